/* SPDX-License-Identifier: Apache-2.0 */
/* Between fake_host.c and fake_package.c. */
#ifndef FAKE_PACKAGE_H
#define FAKE_PACKAGE_H

#include "tests/support/fake_host.h"

const weft_if_package *fake_package_vtable(void);
void                   fake_packages_free(fake_host *h);

#endif
