/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the man pages and the completions of the program from the tables that parsing and --help
 * are made from. It runs once, when weft is built: weft_pages man1|bash|zsh|fish DIR. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"

FILE *page_open(const char *dir, const char *name)
{
    char  path[4096];
    int   n = snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = n > 0 && (size_t)n < sizeof path ? fopen(path, "w") : NULL;
    if (f == NULL) {
        fprintf(stderr, "weft_pages: %s/%s cannot be written\n", dir, name);
        exit(1);
    }
    return f;
}

void page_close(FILE *f)
{
    if (ferror(f) | fclose(f)) {
        fprintf(stderr, "weft_pages: a page could not be written\n");
        exit(1);
    }
}

void page_each_option(uint64_t own, page_option_fn fn, void *ctx)
{
    weft_option_info o;
    for (int i = 0; i < OWN_COUNT; i++)
        if ((own & OWN_BIT(i)) != 0 && (cli_own_options[i].flags & WEFT_OPTION_HIDDEN) == 0)
            fn(ctx, &cli_own_options[i]);
    for (uint32_t i = 0; weft_option_at(i, &o) != 0; i++)
        if ((o.flags & WEFT_OPTION_HIDDEN) == 0)
            fn(ctx, &o);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*write)(const char *dir);
    } kinds[] = {{"man1", page_man}, {"bash", page_bash}, {"zsh", page_zsh}, {"fish", page_fish}};
    for (size_t i = 0; argc == 3 && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(argv[1], kinds[i].name) == 0) {
            kinds[i].write(argv[2]);
            return 0;
        }
    fprintf(stderr, "usage: weft_pages man1|bash|zsh|fish DIR\n");
    return 2;
}
