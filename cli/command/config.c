/* SPDX-License-Identifier: Apache-2.0 */
/* --print-config. */
#include "command/config.h"

#include <stdio.h>
#include <string.h>

#include "exit.h"
#include "output/out.h"
#include "output/say.h"
#include "output/terminal.h"

/* What was printed last: a list's items stand in one line, as a file has them. */
typedef struct printing {
    char section[128];
    char key[64];
} printing;

static void print_section(printing *p, const char *section)
{
    if (strcmp(p->section, section) == 0)
        return;
    bool core = strcmp(section, "core") == 0;
    cli_outf("%s[%s%s]\n", p->section[0] != '\0' ? "\n" : "", core ? "" : "plugin ", section);
    snprintf(p->section, sizeof p->section, "%s", section);
    p->key[0] = '\0';
}

static void print_value(void *ctx, const char *section, const char *key, const char *value,
                        const char *origin)
{
    printing *p = ctx;
    bool      more = strcmp(p->section, section) == 0 && strcmp(p->key, key) == 0;
    if (more) {
        cli_outf(":%s", value != NULL ? value : "");
        return;
    }
    if (p->key[0] != '\0')
        cli_outf("\n");
    print_section(p, section);
    if (value == NULL)
        cli_outf("# %s is not set", key);
    else
        cli_outf("# %s\n%s = %s", origin, key, value);
    snprintf(p->key, sizeof p->key, "%s", key);
}

/* The model is opened where that is possible: it brings what its weft.ini says and the options that
 * its plugins declare. */
void cli_print_config(cli *c)
{
    printing     p = {"", ""};
    weft_error   err = CLI_ERROR_INIT;
    weft_engine *e = NULL;
    if (weft_engine_open(c->settings, WEFT_OPEN_CONFIG, NULL, &e, &err) != WEFT_OK &&
        cli_verbose() > 0)
        cli_say("without the model's own settings: %s", err.message);
    weft_settings_each(c->settings, print_value, &p);
    cli_outf("\n");
    weft_engine_close(&e);
}
