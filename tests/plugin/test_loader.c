/* SPDX-License-Identifier: Apache-2.0 */
/* The loader against plugins that are bad in every way we could think of: each gives its status and one
 * sentence that names the file and the cause, and a good plugin loads afterwards in the same process. */
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <sys/wait.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/plugin/registry.h"
#include "tests/plugin/scratch.h"
#include "weft/decoder.h"

static char logged[4096]; /* warnings of the code under test */

static void on_log(void *ctx, int32_t level, const char *text)
{
    size_t n = strlen(logged);
    (void)ctx;
    if (level >= WEFT_LOG_WARN)
        snprintf(logged + n, sizeof logged - n, "%s\n", text);
}

static bool matches(const char *text, const char *pattern)
{
    regex_t re;
    assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    int hit = regexec(&re, text, 0, NULL, 0);
    regfree(&re);
    return hit == 0;
}

static void assert_matches(const char *text, const char *pattern)
{
    if (!matches(text, pattern))
        fail_msg("\"%s\" does not match \"%s\"", text, pattern);
}

/* A registry that knows only the given files, by --plugin. */
typedef struct bench {
    weft_settings *settings;
    wf_registry   *registry;
} bench;

static void bench_open(bench *b, const char *const *paths)
{
    weft_error         err = WF_ERROR_INIT;
    wf_registry_config cfg = { .plugin_dir = "" };
    logged[0] = '\0';
    assert_int_equal(wf_settings_create(&b->settings, &err), WEFT_OK);
    for (; paths != NULL && *paths != NULL; paths++)
        assert_int_equal(wf_settings_set(b->settings, "plugin", *paths, WF_LAYER_CLI, "--plugin", &err), 0);
    cfg.settings = b->settings;
    assert_int_equal(wf_registry_create(&cfg, &b->registry, &err), WEFT_OK);
}

static void bench_close(bench *b)
{
    wf_registry_destroy(&b->registry);
    wf_settings_destroy(&b->settings);
}

static void fixture_path(char path[512], const char *name)
{
    snprintf(path, 512, "%s/%s.so", WEFT_PLUGIN_FIXTURES, name);
}

/* Loads one file and expects a refusal. */
static void refuse(const char *path, weft_status status, const char *pattern)
{
    bench       b;
    weft_error  err = WF_ERROR_INIT;
    const char *paths[] = { path, NULL };
    bench_open(&b, paths);
    weft_status st = wf_registry_load_named(b.registry, &err);
    if (st != status)
        fail_msg("%s: status %d, expected %d: %s", path, st, status, err.message);
    assert_int_equal(err.code, status);
    assert_int_equal(err.stage, WEFT_STAGE_PLUGIN);
    assert_matches(err.message, pattern);
    assert_non_null(strstr(err.message, strrchr(path, '/') + 1)); /* names the file */
    assert_null(strstr(err.message, "0x"));                       /* and no address */
    wf_candidate c;
    assert_int_equal(wf_registry_count(b.registry), 1);
    wf_registry_candidate(b.registry, 0, &c);
    assert_int_equal(c.state, WF_PLUGIN_REJECTED);
    assert_string_equal(c.reason, err.message);
    assert_null(wf_registry_plugin(b.registry, 0));
    bench_close(&b);
}

static void load_good(void)
{
    bench       b;
    weft_error  err = WF_ERROR_INIT;
    char        path[512];
    const char *paths[] = { path, NULL };
    wf_plugin  *p, *again;
    fixture_path(path, "good");
    bench_open(&b, paths);
    if (wf_registry_load(b.registry, "org.example.good", &p, &err) != WEFT_OK)
        fail_msg("good plugin: %s", err.message);
    assert_int_equal(wf_registry_load(b.registry, path, &again, &err), WEFT_OK);
    assert_ptr_equal(p, again);
    assert_string_equal(wf_plugin_id(p), "org.example.good");
    assert_string_equal(wf_plugin_version(p), "1.0");
    assert_non_null(wf_plugin_component(p, WEFT_C_DECODER, 0));
    assert_null(wf_plugin_component(p, WEFT_C_DECODER, 1));
    assert_string_equal(logged, "");
    bench_close(&b);
}

typedef struct bad_case {
    const char *fixture;
    weft_status status;
    const char *pattern;
} bad_case;

static const bad_case cases[] = {
    { "no_manifest", WEFT_E_NOTFOUND, "without a weft manifest" },
    { "two_manifests", WEFT_E_CORRUPT, "two manifests" },
    { "garbage_line", WEFT_E_CORRUPT, "manifest has a line that is not key=value" },
    { "garbage_key", WEFT_E_CORRUPT, "manifest has a key twice" },
    { "garbage_bytes", WEFT_E_CORRUPT, "manifest holds bytes that are not plain ASCII" },
    { "garbage_end", WEFT_E_CORRUPT, "manifest has a last line without an end" },
    { "garbage_list", WEFT_E_CORRUPT, "manifest has a list with an empty item" },
    { "garbage_id", WEFT_E_CORRUPT, "manifest has an id that is not like org.example.name" },
    { "garbage_abi", WEFT_E_CORRUPT, "manifest has an abi that is not MAJOR.MINOR" },
    { "garbage_empty", WEFT_E_CORRUPT, "manifest lacks id, version or abi" },
    { "abi_major", WEFT_E_VERSION, "built for plugin ABI 1\\.0 and this is 0\\.1; install" },
    { "abi_minor", WEFT_E_VERSION, "built for plugin ABI 0\\.2 and this is 0\\.1; install" },
    { "abi_older", WEFT_E_VERSION, "built for plugin ABI 0\\.0 and this is 0\\.1; install" },
    { "links_unsaid", WEFT_E_INVALID, "links libweft-gone\\.so\\.1, which its manifest does not say" },
    { "links_untrue", WEFT_E_INVALID, "says links= of 1 libraries and it links 0" },
    { "links_missing", WEFT_E_NOTFOUND, "cannot be loaded: libweft-gone\\.so\\.1: cannot open" },
    { "undefined", WEFT_E_NOTFOUND, "undefined symbol: weft_fixture_that_nobody_has" },
    { "entry_overrun", WEFT_E_INVALID, "entry wrote past the end of weft_plugin" },
    { "entry_magic", WEFT_E_VERSION, "entry answers for plugin ABI" },
    { "entry_answer_minor", WEFT_E_VERSION, "entry answers for plugin ABI 0\\.2, and this is 0\\.1" },
    { "entry_no_desc", WEFT_E_INVALID, "gave no descriptor" },
    { "entry_no_init", WEFT_E_INVALID, "gave no init or no deinit" },
    { "entry_refuses", WEFT_E_VERSION, "refused this host: this host is not to my taste" },
    { "entry_short", WEFT_E_VERSION, "entry filled 8 bytes of weft_plugin where this ABI has" },
    { "entry_shorter", WEFT_E_VERSION, "entry filled [0-9]+ bytes of weft_plugin where this ABI has" },
    { "entry_longer", WEFT_E_INVALID, "entry claims to have filled [0-9]+ bytes of" },
    { "entry_huge", WEFT_E_INVALID, "entry claims to have filled 4294967295 bytes of" },
    { "entry_missing", WEFT_E_INVALID, "does not export weft_plugin_entry" },
    { "desc_id", WEFT_E_INVALID, "descriptor says id org\\.example\\.someone-else, its manifest org" },
    { "desc_version", WEFT_E_INVALID, "descriptor says version 9\\.9, its manifest 1\\.0" },
    { "desc_desc_size", WEFT_E_VERSION, "descriptor has 24 bytes where this ABI has" },
    { "desc_no_components", WEFT_E_INVALID, "descriptor has no components" },
    { "desc_unannounced", WEFT_E_INVALID, "component other .* is not in the components= line" },
    { "desc_promised", WEFT_E_INVALID, "manifest promises 2 components and it has 1" },
    { "desc_component_null", WEFT_E_INVALID, "has no kind, name or table" },
    { "desc_vtable_size", WEFT_E_VERSION, "component test .weft\\.decoder/1. has a table of" },
    { "desc_vtable_null", WEFT_E_INVALID, "component test .weft\\.decoder/1. lacks open" },
    { "desc_no_reader", WEFT_E_INVALID, "lacks read_frames and read_audio" },
    { "desc_needs_host", WEFT_E_UNSUPPORTED, "needs the host interface weft\\.telepathy/1" },
    { "desc_option_type", WEFT_E_INVALID, "option odd has a type that this host does not know" },
    { "desc_option_default", WEFT_E_INVALID, "option odd has a default that does not fit" },
    { "desc_option_hosts", WEFT_E_INVALID, "option weights has no key, or one that is the host's" },
    { "desc_option_range", WEFT_E_INVALID, "option odd has a range that is none" },
    { "does_silent", WEFT_E_DEVICE, "plugin org\\.example\\.silent did not start: DEVICE" },
};

static void bad_fixtures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[512];
        fixture_path(path, cases[i].fixture);
        refuse(path, cases[i].status, cases[i].pattern);
    }
    load_good();
}

/* init answers each status in turn, told so by a declared option. */
static void init_errors(void **state)
{
    (void)state;
    for (int32_t status = -20; status <= 1; status++) {
        bench       b;
        weft_error  err = WF_ERROR_INIT;
        char        path[512], text[16];
        const char *paths[] = { path, NULL };
        if (status == 0)
            continue;
        fixture_path(path, "good");
        bench_open(&b, paths);
        snprintf(text, sizeof text, "%d", status);
        assert_int_equal(wf_settings_set_plugin(b.settings, "org.example.good", "status", text, WF_LAYER_CLI,
                                                "--set", &err),
                         WEFT_OK);
        /* A number that is no status is the plugin's mistake. */
        weft_status expected = status < 0 && status >= WEFT_E_NUMERIC ? status : WEFT_E_INTERNAL;
        assert_int_equal(wf_registry_load_named(b.registry, &err), expected);
        assert_matches(err.message, "good\\.so: plugin org\\.example\\.good did not start: told to fail");
        bench_close(&b);
    }
}

/* ---- files that are made here --------------------------------------------------------------- */

static void not_libraries(void **state)
{
    char dir[64], path[128];
    (void)state;
    scratch_open(dir);
    snprintf(path, sizeof path, "%s/missing.so", dir);
    refuse(path, WEFT_E_NOTFOUND, "no such file");
    snprintf(path, sizeof path, "%s/directory.so", dir);
    assert_int_equal(mkdir(path, 0755), 0);
    refuse(path, WEFT_E_IO, "not a regular file");
    snprintf(path, sizeof path, "%s/fifo.so", dir);
    assert_int_equal(mkfifo(path, 0644), 0);
    refuse(path, WEFT_E_IO, "not a regular file"); /* and does not hang */
    snprintf(path, sizeof path, "%s/empty.so", dir);
    spill(path, "", 0);
    refuse(path, WEFT_E_CORRUPT, "not a shared library");
    snprintf(path, sizeof path, "%s/text.so", dir);
    spill(path, "I am a plugin, honestly.\nPlease load me; this line makes the file long enough.\n", 78);
    refuse(path, WEFT_E_CORRUPT, "not a shared library");
    scratch_close(dir);
}

static unsigned char library[1 << 20];

static size_t good_bytes(void)
{
    char path[512];
    fixture_path(path, "good");
    return slurp(path, library, sizeof library);
}

static void patched_headers(void **state)
{
    char        dir[64], path[128];
    size_t      n = good_bytes();
    Elf64_Ehdr *h = (Elf64_Ehdr *)(void *)library, saved = *h;
    (void)state;
    scratch_open(dir);
    snprintf(path, sizeof path, "%s/patched.so", dir);
    h->e_ident[EI_CLASS] = ELFCLASS32;
    spill(path, library, n);
    refuse(path, WEFT_E_UNSUPPORTED, "a 32-bit library");
    *h = saved;
    h->e_machine = EM_RISCV;
    spill(path, library, n);
    refuse(path, WEFT_E_UNSUPPORTED, "another processor .ELF machine 243.");
    *h = saved;
    h->e_ident[EI_DATA] = ELFDATA2MSB;
    spill(path, library, n);
    refuse(path, WEFT_E_UNSUPPORTED, "another processor");
    *h = saved;
    h->e_type = ET_EXEC;
    spill(path, library, n);
    refuse(path, WEFT_E_CORRUPT, "an ELF file, but not a shared library");
    *h = saved;
    h->e_phnum = 0xfff0;
    spill(path, library, n);
    refuse(path, WEFT_E_CORRUPT, "ELF header makes no sense");
    *h = saved;
    h->e_phoff = UINT64_MAX - 8;
    spill(path, library, n);
    refuse(path, WEFT_E_CORRUPT, "point past its end");
    scratch_close(dir);
}

/* Every program header's offset and size turned to something huge, one at a time: refused or, where
 * nobody needs the segment's bytes, read as before; never a crash. */
static void patched_segments(void **state)
{
    static const uint64_t evil[] = { 0, 1, 3, UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63, 1u << 20 };
    char                  dir[64], path[128];
    size_t                n = good_bytes();
    const Elf64_Ehdr     *h = (const Elf64_Ehdr *)(void *)library;
    Elf64_Phdr           *ph = (Elf64_Phdr *)(void *)(library + h->e_phoff);
    (void)state;
    scratch_open(dir);
    snprintf(path, sizeof path, "%s/segment.so", dir);
    for (int i = 0; i < h->e_phnum; i++)
        for (size_t e = 0; e < 2 * sizeof evil / sizeof evil[0]; e++) {
            Elf64_Phdr  saved = ph[i];
            wf_manifest m;
            weft_error  err = WF_ERROR_INIT;
            *(e % 2 == 0 ? &ph[i].p_offset : &ph[i].p_filesz) = evil[e / 2];
            spill(path, library, n);
            if (wf_registry_inspect(path, &m, &err) != WEFT_OK)
                assert_matches(err.message, "segment\\.so: .+");
            wf_manifest_free(&m);
            ph[i] = saved;
        }
    scratch_close(dir);
}

/* Cut anywhere, the file is refused before dlopen() could map it. */
static void truncated(void **state)
{
    char   dir[64], path[128];
    size_t n = good_bytes(), step;
    (void)state;
    scratch_open(dir);
    snprintf(path, sizeof path, "%s/cut.so", dir);
    /* Section headers at the end are nobody's need; the last segment ends before them. */
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)(void *)library;
    const Elf64_Phdr *ph = (const Elf64_Phdr *)(void *)(library + h->e_phoff);
    size_t            needed = 0;
    for (int i = 0; i < h->e_phnum; i++)
        if (ph[i].p_offset + ph[i].p_filesz > needed)
            needed = ph[i].p_offset + ph[i].p_filesz;
    assert_true(needed > 0 && needed <= n);
    for (size_t cut = 0; cut < needed; cut += step) {
        wf_manifest m;
        weft_error  err = WF_ERROR_INIT;
        step = cut < 1024 ? 1 : 97; /* all of the headers, then samples */
        spill(path, library, cut);
        assert_int_equal(wf_registry_inspect(path, &m, &err), WEFT_E_CORRUPT);
        assert_matches(err.message, "cut\\.so: (not a shared|not a whole) library");
    }
    spill(path, library, needed - 1);
    refuse(path, WEFT_E_CORRUPT, "not a whole library");
    scratch_close(dir);
}

/* ---- process state ---------------------------------------------------------------------------- */

static void load_and_expect_warning(const char *fixture, const char *pattern)
{
    bench       b;
    weft_error  err = WF_ERROR_INIT;
    char        path[512];
    const char *paths[] = { path, NULL };
    wf_candidate c;
    fixture_path(path, fixture);
    bench_open(&b, paths);
    if (wf_registry_load_named(b.registry, &err) != WEFT_OK)
        fail_msg("%s: %s", fixture, err.message);
    wf_registry_candidate(b.registry, 0, &c);
    assert_int_equal(c.state, WF_PLUGIN_LOADED);
    assert_matches(logged, pattern);
    if (strcmp(fixture, "does_leak") != 0)
        assert_matches(c.reason, pattern);
    bench_close(&b);
}

#if defined(__x86_64__)
static void floating_point_mode(void **state)
{
    unsigned before = _mm_getcsr() & ~0x3fu; /* without the sticky exception flags */
    (void)state;
    load_and_expect_warning("does_fpu", "does_fpu\\.so: plugin org\\.example\\.fpu changed the floating-point mode");
    assert_int_equal(_mm_getcsr() & ~0x3fu, before);
}
#endif

static void other_state(void **state)
{
    char             before[256], after[256];
    mode_t           mask = umask(022), now;
    struct sigaction usr1;
    (void)state;
    assert_non_null(getcwd(before, sizeof before));
    setenv("WEFT_FIXTURE_MINE", "kept", 1);
    load_and_expect_warning("does_state", "changed the locale, the working directory, the umask, "
                                          "signal handlers, the environment while it was loaded");
    assert_non_null(getcwd(after, sizeof after));
    assert_string_equal(before, after);
    assert_string_equal(setlocale(LC_ALL, NULL), "C");
    now = umask(mask);
    assert_int_equal(now, 022);
    assert_int_equal(sigaction(SIGUSR1, NULL, &usr1), 0);
    assert_true(usr1.sa_handler == SIG_DFL);
    assert_null(getenv("WEFT_FIXTURE_WAS_HERE"));
    assert_string_equal(getenv("WEFT_FIXTURE_MINE"), "kept");
}

/* ---- the file is replaced while it is loaded ------------------------------------------------- */

static void swapped(void **state)
{
    char  dir[64], path[128], other[128], from[512];
    (void)state;
    scratch_open(dir);
    snprintf(path, sizeof path, "%s/swap.so", dir);
    snprintf(other, sizeof other, "%s/waiting", dir);
    fixture_path(from, "does_swap");
    copy_file(from, path);
    fixture_path(from, "good");
    copy_file(from, other);
    setenv("WEFT_FIXTURE_FROM", other, 1);
    setenv("WEFT_FIXTURE_TO", path, 1);
    refuse(path, WEFT_E_INVALID, "was replaced while it was being loaded; refused");
    unsetenv("WEFT_FIXTURE_FROM");
    unsetenv("WEFT_FIXTURE_TO");
    scratch_close(dir);
}

/* Replaced between the reading of the manifest and the loading. */
static void swapped_before(void **state)
{
    char        dir[64], path[128], other[128], from[512];
    bench       b;
    weft_error  err = WF_ERROR_INIT;
    const char *paths[] = { path, NULL };
    (void)state;
    scratch_open(dir);
    snprintf(path, sizeof path, "%s/swap.so", dir);
    snprintf(other, sizeof other, "%s/waiting", dir);
    fixture_path(from, "good");
    copy_file(from, path);
    copy_file(from, other);
    bench_open(&b, paths);
    assert_int_equal(wf_registry_scan(b.registry, &err), WEFT_OK);
    assert_int_equal(rename(other, path), 0);
    assert_int_equal(wf_registry_load_named(b.registry, &err), WEFT_E_INVALID);
    assert_matches(err.message, "swap\\.so: the file was replaced");
    bench_close(&b);
    scratch_close(dir);
}

/* ---- what cannot be survived in one process, but can be named -------------------------------- */

static void say_who(void)
{
    const char *who = wf_plugin_current();
    /* Not through stdio: this runs at exit and in a signal handler. */
    if (who != NULL && write(STDOUT_FILENO, who, strlen(who)) < 0)
        _exit(99);
}

static void on_abort(int signal_number)
{
    (void)signal_number;
    say_who();
    _exit(42);
}

static void in_child(const char *fixture, const char *expected)
{
    int   pipe_fd[2];
    char  said[128] = "";
    pid_t child;
    assert_int_equal(pipe(pipe_fd), 0);
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char       path[512];
        wf_plugin *p;
        dup2(pipe_fd[1], STDOUT_FILENO);
        close(pipe_fd[0]);
        signal(SIGABRT, on_abort);
        atexit(say_who);
        bench b;
        fixture_path(path, fixture);
        bench_open(&b, NULL);
        const char *paths[] = { path, NULL };
        bench_close(&b);
        bench_open(&b, paths);
        (void)wf_registry_load(b.registry, path, &p, NULL);
        _exit(7); /* not reached: the constructor ends the process */
    }
    close(pipe_fd[1]);
    ssize_t n = read(pipe_fd[0], said, sizeof said - 1);
    int     status;
    close(pipe_fd[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 7);
    assert_true(n > 0);
    assert_string_equal(said, expected);
}

static void breadcrumb(void **state)
{
    (void)state;
    in_child("does_exit", "org.example.exit");
    in_child("does_crash", "org.example.crash");
    assert_null(wf_plugin_current());
}

static void left_memory(void **state)
{
    bench       b;
    weft_error  err = WF_ERROR_INIT;
    char        path[512];
    const char *paths[] = { path, NULL };
    (void)state;
    fixture_path(path, "does_leak");
    bench_open(&b, paths);
    assert_int_equal(wf_registry_load_named(b.registry, &err), WEFT_OK);
    bench_close(&b);
    assert_matches(logged, "does_leak\\.so: plugin org\\.example\\.leak left 1 blocks of memory behind");
}

/* ---- allocation --------------------------------------------------------------------------------- */

/* Every allocation of scan, load and teardown fails once; the outcome is NOMEM or success, and a load
 * without failures works afterwards. */
static void every_allocation(void **state)
{
    char        path[512], bad[512];
    const char *paths[] = { path, bad, NULL };
    uint64_t    failures = 0;
    (void)state;
    fixture_path(path, "good");
    fixture_path(bad, "abi_major");
    for (uint64_t n = 1;; n++) {
        weft_settings     *s;
        wf_registry       *r = NULL;
        wf_registry_config cfg = { .plugin_dir = WEFT_PLUGIN_FIXTURES };
        wf_plugin         *p;
        weft_error         err = WF_ERROR_INIT;
        weft_status        st;
        assert_int_equal(wf_settings_create(&s, &err), WEFT_OK);
        for (int i = 0; paths[i] != NULL; i++)
            assert_int_equal(wf_settings_set(s, "plugin", paths[i], WF_LAYER_CLI, "--plugin", &err), 0);
        cfg.settings = s;
        uint64_t before = wf_mem_count();
        wf_mem_fail_at(n, false);
        st = wf_registry_create(&cfg, &r, &err);
        if (st == WEFT_OK)
            st = wf_registry_load(r, "org.example.good", &p, &err);
        uint64_t used = wf_mem_count() - before;
        wf_mem_fail_at(0, false);
        assert_true(st == WEFT_OK || st == WEFT_E_NOMEM);
        failures += st == WEFT_E_NOMEM;
        wf_registry_destroy(&r);
        wf_settings_destroy(&s);
        if (st == WEFT_OK && used < n)
            break;
    }
    assert_true(failures > 20);
    load_good();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_fixtures),    cmocka_unit_test(init_errors),
        cmocka_unit_test(not_libraries),   cmocka_unit_test(patched_headers),
        cmocka_unit_test(patched_segments), cmocka_unit_test(truncated),
#if defined(__x86_64__)
        cmocka_unit_test(floating_point_mode),
#endif
        cmocka_unit_test(other_state),     cmocka_unit_test(swapped),
        cmocka_unit_test(swapped_before),  cmocka_unit_test(breadcrumb),
        cmocka_unit_test(left_memory),     cmocka_unit_test(every_allocation),
    };
    wf_log_set(on_log, NULL);
    unsetenv("WEFT_PLUGIN_PATH");
    setenv("XDG_DATA_HOME", "/nonexistent", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
