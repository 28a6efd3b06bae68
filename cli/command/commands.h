/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands, and the functions that its rows run. Each of these has a file of its own
 * in this folder. */
#ifndef WEFT_CLI_COMMANDS_H
#define WEFT_CLI_COMMANDS_H

#include "cli.h"

extern const cli_command cli_commands[]; /* ends with a row without a name */

int32_t cli_run_describe(cli *c);
int32_t cli_run_transcribe(cli *c);
int32_t cli_run_generate(cli *c);
int32_t cli_run_chat(cli *c);
int32_t cli_run_tokenize(cli *c);
int32_t cli_run_chat_template(cli *c);
int32_t cli_run_preprocess(cli *c);
int32_t cli_run_model_list(cli *c);
int32_t cli_run_model_inspect(cli *c);
int32_t cli_run_model_verify(cli *c);
int32_t cli_run_model_quantize(cli *c);
int32_t cli_run_plugin_list(cli *c);
int32_t cli_run_plugin_inspect(cli *c);
int32_t cli_run_bench(cli *c);
int32_t cli_run_help(cli *c);
int32_t cli_run_version(cli *c);

#endif
