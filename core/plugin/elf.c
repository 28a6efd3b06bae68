/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest's note and the needed libraries, out of an ELF file that nobody has vouched for.
 *
 * Everything is found through program headers (section headers may be stripped), read with pread at
 * offsets checked against the file's size, and capped. Source: System V ABI, "Program Header",
 * "Note Section", "Dynamic Section"; elf(5). */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/plugin/manifest.h"

#define PHDRS_MAX 64u
#define NOTES_MAX 65536u  /* bytes of one note segment */
#define DYNAMIC_MAX 4096u /* entries */
#define STRTAB_MAX (16u << 20)
#define NEEDED_MAX 64u

#if defined(__x86_64__)
#define HOST_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define HOST_MACHINE EM_AARCH64
#else
#error "name this machine's EM_ value"
#endif

typedef struct elf_file {
    int         fd;
    uint64_t    bytes;
    const char *name;
    Elf64_Phdr  phdr[PHDRS_MAX];
    uint32_t    n_phdr;
    char       *note; /* the manifest's text */
    uint64_t    note_bytes;
} elf_file;

static weft_status truncated(const elf_file *f, weft_error *err)
{
    return wf_fail(err, WEFT_E_CORRUPT,
                   "%s: not a whole library: its ELF headers point past its end "
                   "(%llu bytes); copy or build it again",
                   f->name, (unsigned long long)f->bytes);
}

static weft_status read_at(const elf_file *f, uint64_t at, void *dst, uint64_t n, weft_error *err)
{
    uint64_t end, done = 0;
    if (!wf_add(at, n, &end) || end > f->bytes)
        return truncated(f, err);
    while (done < n) {
        ssize_t got = pread(f->fd, (char *)dst + done, (size_t)(n - done), (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return wf_fail(err, WEFT_E_IO, "%s: could not be read: %s", f->name,
                           got == 0 ? "it shrank" : strerror(errno));
        done += (uint64_t)got;
    }
    return WEFT_OK;
}

/* Allocates and reads n bytes. */
static weft_status load_at(const elf_file *f, uint64_t at, uint64_t n, char **out, weft_error *err)
{
    uint64_t end;
    *out = NULL;
    if (!wf_add(at, n, &end) || end > f->bytes)
        return truncated(f, err);
    *out = wf_alloc(n + 1);
    if (*out == NULL)
        return wf_fail_nomem(err, n, "a plugin's headers");
    weft_status st = read_at(f, at, *out, n, err);
    if (st == WEFT_OK)
        (*out)[n] = '\0';
    else {
        wf_free(*out);
        *out = NULL;
    }
    return st;
}

static weft_status check_ident(const elf_file *f, const Elf64_Ehdr *h, weft_error *err)
{
    if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
        return wf_fail(err, WEFT_E_CORRUPT, "%s: not a shared library (no ELF header)", f->name);
    if (h->e_ident[EI_CLASS] != ELFCLASS64)
        return wf_fail(err, WEFT_E_UNSUPPORTED, "%s: a 32-bit library; build it for 64 bits",
                       f->name);
    if (h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != HOST_MACHINE)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "%s: built for another processor (ELF machine %u); build it for this one",
                       f->name, h->e_machine);
    if (h->e_type != ET_DYN)
        return wf_fail(err, WEFT_E_CORRUPT, "%s: an ELF file, but not a shared library", f->name);
    return WEFT_OK;
}

static weft_status read_headers(elf_file *f, weft_error *err)
{
    Elf64_Ehdr  h;
    weft_status st;
    uint64_t    end;
    memset(&h, 0, sizeof h);
    if (f->bytes < sizeof h) {
        st = f->bytes >= SELFMAG ? read_at(f, 0, &h, SELFMAG, err) : WEFT_OK;
        if (st == WEFT_OK && memcmp(h.e_ident, ELFMAG, SELFMAG) == 0)
            return truncated(f, err);
        return st != WEFT_OK ? st : check_ident(f, &h, err);
    }
    st = read_at(f, 0, &h, sizeof h, err);
    if (st == WEFT_OK)
        st = check_ident(f, &h, err);
    if (st != WEFT_OK)
        return st;
    if (h.e_phentsize != sizeof(Elf64_Phdr) || h.e_phnum == 0 || h.e_phnum > PHDRS_MAX)
        return wf_fail(err, WEFT_E_CORRUPT, "%s: its ELF header makes no sense", f->name);
    f->n_phdr = h.e_phnum;
    st = read_at(f, h.e_phoff, f->phdr, f->n_phdr * sizeof(Elf64_Phdr), err);
    /* dlopen() would map these and die of SIGBUS on a short file. */
    for (uint32_t i = 0; i < f->n_phdr && st == WEFT_OK; i++)
        if (f->phdr[i].p_type != PT_NULL && f->phdr[i].p_type != PT_GNU_STACK &&
            (!wf_add(f->phdr[i].p_offset, f->phdr[i].p_filesz, &end) || end > f->bytes))
            st = truncated(f, err);
    return st;
}

/* One note of a segment's bytes at *at; false: no further one that fits. */
static bool next_note(const char *seg, uint64_t n, uint64_t align, uint64_t *at, Elf64_Nhdr *h,
                      uint64_t *desc)
{
    uint64_t left = n - *at, name_end;
    if (*at > n || left < sizeof *h)
        return false;
    memcpy(h, seg + *at, sizeof *h);
    name_end = (sizeof *h + (uint64_t)h->n_namesz + align - 1) / align * align;
    if (name_end > left || h->n_descsz > left - name_end)
        return false;
    *desc = *at + name_end;
    *at = *desc + ((uint64_t)h->n_descsz + align - 1) / align * align;
    return true;
}

static bool is_ours(const Elf64_Nhdr *h, const char *note_name)
{
    return h->n_type == WEFT_NOTE_TYPE && h->n_namesz == sizeof WEFT_NOTE_OWNER &&
           memcmp(note_name, WEFT_NOTE_OWNER, sizeof WEFT_NOTE_OWNER) == 0;
}

static weft_status scan_notes(elf_file *f, const Elf64_Phdr *p, weft_error *err)
{
    char       *seg;
    Elf64_Nhdr  h;
    uint64_t    at = 0, start = 0, desc, align = p->p_align == 8 ? 8 : 4;
    weft_status st;
    if (p->p_filesz > NOTES_MAX)
        return WEFT_OK; /* no manifest is that long */
    st = load_at(f, p->p_offset, p->p_filesz, &seg, err);
    while (st == WEFT_OK && next_note(seg, p->p_filesz, align, &at, &h, &desc)) {
        if (is_ours(&h, seg + start + sizeof h) && f->note != NULL)
            st = wf_fail(err, WEFT_E_CORRUPT, "%s: has two manifests; use WEFT_PLUGIN() once",
                         f->name);
        else if (is_ours(&h, seg + start + sizeof h)) {
            f->note = wf_strndup(seg + desc, h.n_descsz);
            f->note_bytes = h.n_descsz;
            if (f->note == NULL)
                st = wf_fail_nomem(err, h.n_descsz, "a manifest");
        }
        start = at;
    }
    wf_free(seg);
    return st;
}

static weft_status find_note(elf_file *f, weft_error *err)
{
    weft_status st = WEFT_OK;
    for (uint32_t i = 0; i < f->n_phdr && st == WEFT_OK; i++)
        if (f->phdr[i].p_type == PT_NOTE)
            st = scan_notes(f, &f->phdr[i], err);
    if (st == WEFT_OK && f->note == NULL)
        st = wf_fail(err, WEFT_E_NOTFOUND, "%s: a library without a weft manifest: no plugin",
                     f->name);
    return st;
}

/* File offset of a virtual address range that lies within one segment; false: none. */
static bool offset_of(const elf_file *f, uint64_t vaddr, uint64_t n, uint64_t *out)
{
    for (uint32_t i = 0; i < f->n_phdr; i++) {
        const Elf64_Phdr *p = &f->phdr[i];
        if (p->p_type == PT_LOAD && vaddr >= p->p_vaddr && vaddr - p->p_vaddr <= p->p_filesz &&
            n <= p->p_filesz - (vaddr - p->p_vaddr)) {
            *out = p->p_offset + (vaddr - p->p_vaddr);
            return true;
        }
    }
    return false;
}

typedef struct needed {
    uint64_t name[NEEDED_MAX]; /* offsets in the string table */
    uint32_t n;
    uint64_t strtab, strsz;
} needed;

static weft_status read_dynamic(const elf_file *f, const Elf64_Phdr *p, needed *out,
                                weft_error *err)
{
    char       *raw;
    uint64_t    n = p->p_filesz / sizeof(Elf64_Dyn);
    weft_status st;
    if (n > DYNAMIC_MAX)
        return wf_fail(err, WEFT_E_CORRUPT, "%s: its dynamic section is too long", f->name);
    st = load_at(f, p->p_offset, n * sizeof(Elf64_Dyn), &raw, err);
    for (uint64_t i = 0; i < n && st == WEFT_OK; i++) {
        Elf64_Dyn d;
        memcpy(&d, raw + i * sizeof d, sizeof d);
        if (d.d_tag == DT_NULL)
            break;
        if (d.d_tag == DT_STRTAB)
            out->strtab = d.d_un.d_ptr;
        else if (d.d_tag == DT_STRSZ)
            out->strsz = d.d_un.d_val;
        else if (d.d_tag == DT_NEEDED && out->n < NEEDED_MAX)
            out->name[out->n++] = d.d_un.d_val;
        else if (d.d_tag == DT_NEEDED)
            st = wf_fail(err, WEFT_E_CORRUPT, "%s: needs more than 64 libraries", f->name);
    }
    wf_free(raw);
    return st;
}

/* What every plugin may have without saying so: the C library (glibc's, or musl's by its own name
 * or Alpine's), and what a sanitizer or a compiler adds by itself. */
static bool is_given(const char *lib)
{
    static const char *const prefixes[] = {"libc.so.", "libc.musl-", "libm.so.", "ld-linux",
                                           "libasan.", "libubsan.",  "libtsan.", "libgcc_s."};
    if (strcmp(lib, "libc.so") == 0)
        return true;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(lib, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static bool is_declared(const wf_manifest *m, const char *lib)
{
    for (uint32_t i = 0; i < m->n_links; i++)
        if (strcmp(m->links[i], lib) == 0)
            return true;
    return false;
}

static weft_status compare_links(const elf_file *f, const needed *nd, const char *strings,
                                 const wf_manifest *m, weft_error *err)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < nd->n; i++) {
        if (nd->name[i] >= nd->strsz)
            return truncated(f, err);
        const char *lib =
            strings + nd->name[i]; /* ends at the table's end: load_at put a NUL there */
        if (is_declared(m, lib))
            found++;
        else if (!is_given(lib))
            return wf_fail(err, WEFT_E_INVALID,
                           "%s: links %.80s, which its manifest does not say; add it to links= or "
                           "link without it",
                           f->name, lib);
    }
    if (found != m->n_links)
        return wf_fail(err, WEFT_E_INVALID,
                       "%s: its manifest says links= of %u libraries and it links "
                       "%u of them; make them agree",
                       f->name, m->n_links, found);
    return WEFT_OK;
}

static weft_status check_links(const elf_file *f, const wf_manifest *m, weft_error *err)
{
    needed      nd = {.n = 0};
    uint64_t    at = 0;
    char       *strings = NULL;
    weft_status st = WEFT_OK;
    for (uint32_t i = 0; i < f->n_phdr && st == WEFT_OK; i++)
        if (f->phdr[i].p_type == PT_DYNAMIC)
            st = read_dynamic(f, &f->phdr[i], &nd, err);
    if (st == WEFT_OK && nd.n > 0 &&
        (nd.strsz > STRTAB_MAX || !offset_of(f, nd.strtab, nd.strsz, &at)))
        st = truncated(f, err);
    if (st == WEFT_OK && nd.n > 0)
        st = load_at(f, at, nd.strsz, &strings, err);
    if (st == WEFT_OK)
        st = compare_links(f, &nd, strings, m, err);
    wf_free(strings);
    return st;
}

weft_status wf_manifest_read(int fd, uint64_t bytes, const char *name, wf_manifest *out,
                             weft_error *err)
{
    elf_file    f = {.fd = fd, .bytes = bytes, .name = name};
    weft_status st = read_headers(&f, err);
    memset(out, 0, sizeof *out);
    if (st == WEFT_OK)
        st = find_note(&f, err);
    if (st == WEFT_OK)
        st = wf_manifest_parse(f.note, f.note_bytes, name, out, err);
    /* Another ABI may mean other rules for links, so its refusal comes first. */
    if (st == WEFT_OK && out->abi_major == WEFT_ABI_MAJOR && out->abi_minor == WEFT_ABI_MINOR)
        st = check_links(&f, out, err);
    if (st != WEFT_OK)
        wf_manifest_free(out);
    wf_free(f.note);
    return st;
}
