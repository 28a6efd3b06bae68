/* SPDX-License-Identifier: Apache-2.0 */
#include "shapes.h"

SHAPES(shapes_o3)
