/* SPDX-License-Identifier: Apache-2.0 */
/* The directories compiled in. This file is compiled once for the build tree, with the tree's own
 * directories and no WEFT_BIN_SUBDIR, and for installing with those below the prefix
 * (core/CMakeLists.txt). An installed prefix may be moved: libweft.so in its lib directory, or a
 * program in its bin directory, finds the two beside it, if nobody else could have put them there.
 * Why: docs/decisions/0009-install-directories.md. */
#include "core/plugin/dirs.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/plugin/found.h"

/* Cuts "/SUBDIR/NAME" from the end of a full path; false: it does not end so. */
static bool cut(char *path, const char *subdir)
{
    char  *slash = strrchr(path, '/');
    size_t n = strlen(subdir);
    if (slash == NULL || n == 0 || (size_t)(slash - path) < n + 1)
        return false;
    *slash = '\0';
    slash -= n;
    if (slash[-1] != '/' || strcmp(slash, subdir) != 0)
        return false;
    slash[-1] = '\0';
    return true;
}

/* The prefix of the shared library that this code is in, by where the linker found it. */
static bool library_prefix(char *out)
{
    Dl_info     self;
    static char mark; /* its address is the library's */
    char       *real = dladdr(&mark, &self) != 0 ? realpath(self.dli_fname, NULL) : NULL;
    int         n = real != NULL ? snprintf(out, WF_DIR_CAP, "%s", real) : 0;
    free(real);
    return n > 0 && (size_t)n < WF_DIR_CAP && cut(out, WEFT_LIB_SUBDIR);
}

static bool program_prefix(char *out)
{
    ssize_t n = readlink("/proc/self/exe", out, WF_DIR_CAP - 1);
    if (n <= 0)
        return false;
    out[n] = '\0';
    return cut(out, WEFT_BIN_SUBDIR);
}

/* The directory that lib or bin is in, without a slash at its end; false: they are in no such. */
static bool own_prefix(char *out)
{
    return library_prefix(out) || program_prefix(out);
}

static bool beside_us(const char *subdir, char *out)
{
    weft_error err = WF_ERROR_INIT;
    char       prefix[WF_DIR_CAP];
    int        n = own_prefix(prefix) ? snprintf(out, WF_DIR_CAP, "%s/%s", prefix, subdir) : 0;
    char      *real = n > 0 && (size_t)n < WF_DIR_CAP ? realpath(out, NULL) : NULL;
    bool       fine = real != NULL && wf_trust_check(real, &err) == WEFT_OK;
    if (real != NULL && !fine)
        wf_log(WEFT_LOG_WARN, "%s; %s is not used", err.message, out);
    free(real);
    return fine;
}

void wf_dir_plugins(char *out)
{
    if (!beside_us(WEFT_PLUGIN_SUBDIR, out))
        snprintf(out, WF_DIR_CAP, "%s", WEFT_PLUGIN_DIR);
}

void wf_dir_modules(char *out)
{
    wf_dir_plugins(out);
    char *slash = strrchr(out, '/');
    if (slash != NULL && slash != out)
        *slash = '\0';
}

void wf_dir_demo_config(char *out)
{
    if (!beside_us(WEFT_DEMO_SUBDIR "/weft.ini", out))
        snprintf(out, WF_DIR_CAP, "%s", WEFT_DEMO_DIR "/weft.ini");
}
