/* SPDX-License-Identifier: Apache-2.0 */
/* Where weft's own plugins and the demo model are. */
#ifndef WF_DIRS_H
#define WF_DIRS_H

#include <stddef.h>

#define WF_DIR_CAP 4096u /* room for any answer */

/* Each writes a full path to out [WF_DIR_CAP]; nothing need exist there. [any] */
void wf_dir_plugins(char *out);     /* the directory of the plugins */
void wf_dir_modules(char *out);     /* the directory above it, where device modules are */
void wf_dir_demo_config(char *out); /* the demo model's weft.ini */

#endif
