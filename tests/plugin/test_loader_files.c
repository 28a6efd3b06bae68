/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are no plugins, or stop being the one that was looked at: made here, out of a good
 * one. */
#include <elf.h>

#include "tests/plugin/loader_bench.h"

/* ---- files that are made here ---- */

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
    spill(path, "I am a plugin, honestly.\nPlease load me; this line makes the file long enough.\n",
          78);
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
    static const uint64_t evil[] = {0,       1, 3, UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63,
                                    1u << 20};
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
            if (wf_found_inspect(path, &m, &err) != WEFT_OK)
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
        assert_int_equal(wf_found_inspect(path, &m, &err), WEFT_E_CORRUPT);
        assert_matches(err.message, "cut\\.so: (not a shared|not a whole) library");
    }
    spill(path, library, needed - 1);
    refuse(path, WEFT_E_CORRUPT, "not a whole library");
    scratch_close(dir);
}

/* ---- the file is replaced while it is loaded ---- */

static void swapped(void **state)
{
    char dir[64], path[128], other[128], from[512];
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
    const char *paths[] = {path, NULL};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_libraries),    cmocka_unit_test(patched_headers),
        cmocka_unit_test(patched_segments), cmocka_unit_test(truncated),
        cmocka_unit_test(swapped),          cmocka_unit_test(swapped_before)};
    wf_log_set(on_log, NULL);
    unsetenv("WEFT_PLUGIN_PATH");
    setenv("XDG_DATA_HOME", "/nonexistent", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
