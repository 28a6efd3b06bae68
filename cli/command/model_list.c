/* SPDX-License-Identifier: Apache-2.0 */
/* weft model list, and docs/MODELS.md. */
#include "command/commands.h"
#include "exit.h"
#include "models/models.h"

int32_t cli_run_model_list(cli *c)
{
    if (cli_has(c, OWN_JSON))
        return cli_models_json() ? CLI_EXIT_OK : CLI_EXIT_MEMORY;
    if (cli_has(c, OWN_MARKDOWN))
        cli_models_markdown();
    else
        cli_models_text();
    return CLI_EXIT_OK;
}
