/* SPDX-License-Identifier: Apache-2.0 */
/* Which of two exit codes a run ends with. */
#include "exit.h"

int32_t cli_worse(int32_t a, int32_t b)
{
    static const int32_t order[] = {CLI_EXIT_INTERRUPTED, 1, 6, 5, 4, 8, 7, 3, 9, 2};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return a != CLI_EXIT_OK ? a : b;
}
