/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a journal, and its lines. */
#include "output/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "output/json.h"
#include "output/target.h"

#define BYTES_MOST (INT64_C(1) << 30) /* of a journal: a hundred days of speech take less */
#define NAME_KEPT 200                 /* bytes of a document's name; file systems take 255 */
#define FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(17))

char *cli_journal_path(const char *folder, const char *name)
{
    const char *slash = folder == NULL ? strrchr(name, '/') : NULL;
    const char *base = slash != NULL ? slash + 1 : name;
    size_t      n = strlen(base);
    char       *path = NULL, mark[16] = "";
    int         before = folder != NULL ? (int)strlen(folder) : (int)(base - name);
    if (n > NAME_KEPT)
        snprintf(mark, sizeof mark, "-%08lx", crc32(0, (const Bytef *)base, (uInt)n));
    if (asprintf(&path, "%.*s%s.weft-%.*s%s.resume", before, folder != NULL ? folder : name,
                 folder != NULL ? cli_folder_slash(folder) : "", NAME_KEPT, base, mark) < 0)
        return NULL;
    return path;
}

static void forget(cli_journal *j)
{
    if (j->file != NULL)
        fclose(j->file);
    json_decref(j->part);
    free(j->ids);
    free(j->raw);
    free(j->line);
    free(j->path);
    *j = (cli_journal){.error = j->error};
}

/* Not every file system has locks; one without them is used all the same. */
static bool is_locked_elsewhere(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

/* A regular file, locked; links are not followed. */
static enum cli_journal_found take_file(cli_journal *j, const char *path, int flags)
{
    struct stat st;
    int         fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0666);
    if (fd < 0)
        return errno == ENOENT ? CLI_JOURNAL_NONE : CLI_JOURNAL_BAD;
    bool busy = is_locked_elsewhere(fd);
    bool good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= BYTES_MOST;
    j->file = !busy && good ? fdopen(fd, "r+") : NULL;
    j->path = j->file != NULL ? strdup(path) : NULL;
    if (j->file == NULL)
        close(fd);
    if (j->path != NULL)
        return CLI_JOURNAL_THERE;
    forget(j);
    return busy ? CLI_JOURNAL_BUSY : CLI_JOURNAL_BAD;
}

/* The next whole line as an object; NULL: there is none. */
static json_t *read_line(cli_journal *j)
{
    ssize_t n = getline(&j->line, &j->line_room, j->file);
    j->line_bytes = n > 0 ? (size_t)n : 0;
    if (n <= 0 || j->line[n - 1] != '\n')
        return NULL;
    json_t *v = json_loadb(j->line, (size_t)n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(v)) {
        json_decref(v);
        return NULL;
    }
    j->whole += n;
    return v;
}

enum cli_journal_found cli_journal_open(cli_journal *j, const char *path, json_t **head)
{
    *j = (cli_journal){.file = NULL};
    *head = NULL;
    enum cli_journal_found how = take_file(j, path, 0);
    if (how != CLI_JOURNAL_THERE)
        return how;
    *head = read_line(j);
    if (*head != NULL)
        return how;
    /* One that was killed before its first line was whole, or a full disk kept from having one. */
    bool is_half = j->line_bytes == 0 || j->line[j->line_bytes - 1] != '\n';
    how = is_half ? CLI_JOURNAL_EMPTY : CLI_JOURNAL_BAD;
    forget(j);
    return how;
}

static bool read_ids(cli_journal *j, weft_part_result *p)
{
    json_t *ids = json_object_get(j->part, "ids");
    size_t  n = json_array_size(ids);
    free(j->ids);
    j->ids = malloc((n + 1) * sizeof *j->ids);
    if (!json_is_array(ids) || j->ids == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        json_t    *id = json_array_get(ids, i);
        json_int_t v = json_integer_value(id);
        if (!json_is_integer(id) || v < 0 || v > INT32_MAX)
            return false;
        j->ids[i] = (int32_t)v;
    }
    p->ids = j->ids;
    p->n_ids = n;
    return true;
}

static int digit(char c)
{
    const char *digits = "0123456789abcdef", *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* The text, from its hexadecimal digits where it has them. */
static bool read_text(cli_journal *j, const json_t *text, const json_t *hex, weft_part_result *p)
{
    const char *digits = json_string_value(hex);
    size_t      n = json_string_length(hex) / 2;
    free(j->raw);
    j->raw = NULL;
    p->text = json_string_value(text);
    p->text_bytes = json_string_length(text);
    if (hex == NULL)
        return true;
    j->raw = digits != NULL && json_string_length(hex) % 2 == 0 ? malloc(n + 1) : NULL;
    if (j->raw == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = digit(digits[2 * i]), low = digit(digits[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        j->raw[i] = (char)(16 * high + low);
    }
    j->raw[n] = '\0';
    p->text = j->raw;
    p->text_bytes = n;
    return true;
}

static bool read_part(cli_journal *j, weft_part_result *p)
{
    json_int_t start, end, first, last;
    json_t    *text, *hex = NULL;
    int        stopped;
    double     logprob, temperature;
    *p = (weft_part_result){.hdr = WEFT_HDR(weft_part_result)};
    if (json_unpack(j->part, "{s:I, s:I, s:I, s:I, s:o, s?o, s:F, s:F, s:b}", "start_us", &start,
                    "end_us", &end, "speech_start_us", &first, "speech_end_us", &last, "text",
                    &text, "hex", &hex, "avg_logprob", &logprob, "temperature", &temperature,
                    "stopped", &stopped) != 0)
        return false;
    if (!json_is_string(text) || start < j->end_us || first < start || last < first || end < last ||
        end > INT64_MAX / 4)
        return false;
    p->start_us = start;
    p->end_us = end;
    p->speech_start_us = first;
    p->speech_end_us = last;
    p->avg_logprob = (float)logprob;
    p->temperature = (float)temperature;
    p->stopped = stopped;
    return read_text(j, text, hex, p) && read_ids(j, p);
}

/* What stands behind the last whole line goes. */
static void cut_tail(cli_journal *j, int64_t whole)
{
    j->whole = whole;
    if (ferror(j->file) == 0 && ftruncate(fileno(j->file), (off_t)whole) == 0)
        return;
    j->error = errno != 0 ? errno : EIO;
    cli_journal_close(j, true);
}

bool cli_journal_next(cli_journal *j, weft_part_result *part)
{
    int64_t before = j->whole;
    json_decref(j->part);
    errno = 0;
    j->part = read_line(j);
    if (j->part == NULL || !read_part(j, part)) {
        cut_tail(j, before);
        return false;
    }
    j->end_us = part->end_us;
    j->n_parts++;
    return true;
}

/* Behind the last whole line. Past the stream, which would try again later what it could not write.
 */
static bool write_bytes(cli_journal *j, const char *text, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t wrote =
            pwrite(fileno(j->file), text + done, n - done, (off_t)j->whole + (off_t)done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            j->error = wrote == 0 ? ENOSPC : errno;
            /* Half a line that stays is no harm. */
            int cut = ftruncate(fileno(j->file), (off_t)j->whole);
            (void)cut;
            return false;
        }
        done += (size_t)wrote;
    }
    j->whole += (int64_t)n;
    return true;
}

/* Takes *v. */
static bool write_line(cli_journal *j, json_t *v)
{
    char *text = v != NULL ? json_dumps(v, FLAGS) : NULL;
    bool  ok = text != NULL;
    if (ok) {
        size_t n = strlen(text);
        text[n] = '\n';
        ok = write_bytes(j, text, n + 1);
    } else {
        j->error = ENOMEM;
    }
    json_decref(v);
    free(text);
    return ok;
}

bool cli_journal_begin(cli_journal *j, const char *path, const json_t *head)
{
    *j = (cli_journal){.file = NULL};
    errno = 0;
    if (take_file(j, path, O_CREAT) != CLI_JOURNAL_THERE) {
        j->error = errno != 0 ? errno : EEXIST;
        return false;
    }
    if (ftruncate(fileno(j->file), 0) == 0)
        return write_line(j, json_deep_copy(head));
    j->error = errno;
    return false;
}

static json_t *ids_json(const weft_part_result *p)
{
    json_t *ids = json_array();
    for (uint64_t i = 0; ids != NULL && i < p->n_ids; i++)
        if (json_array_append_new(ids, json_integer((json_int_t)p->ids[i])) != 0) {
            json_decref(ids);
            return NULL;
        }
    return ids;
}

/* Adds the text as digits to *v where that cannot hold it; else *v is as it was. Takes *v; NULL:
 * out of memory. */
static json_t *with_hex(json_t *v, const weft_part_result *p)
{
    size_t n = (size_t)p->text_bytes;
    if (v == NULL || cli_is_utf8(p->text, n))
        return v;
    char *hex = malloc(2 * n + 1);
    for (size_t i = 0; hex != NULL && i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned char)p->text[i]);
    bool ok = hex != NULL && json_object_set_new(v, "hex", json_stringn(hex, 2 * n)) == 0;
    free(hex);
    if (ok)
        return v;
    json_decref(v);
    return NULL;
}

bool cli_journal_add(cli_journal *j, const weft_part_result *p)
{
    json_t *v = json_pack(
        "{s:I, s:I, s:I, s:I, s:o, s:o, s:f, s:f, s:b}", "start_us", (json_int_t)p->start_us,
        "end_us", (json_int_t)p->end_us, "speech_start_us", (json_int_t)p->speech_start_us,
        "speech_end_us", (json_int_t)p->speech_end_us, "text",
        cli_json_text(p->text, (size_t)p->text_bytes), "ids", ids_json(p), "avg_logprob",
        (double)p->avg_logprob, "temperature", (double)p->temperature, "stopped", p->stopped != 0);
    if (!write_line(j, with_hex(v, p)))
        return false;
    j->end_us = p->end_us;
    j->n_parts++;
    return true;
}

void cli_journal_close(cli_journal *j, bool keep)
{
    if (j->file != NULL && !keep)
        (void)unlink(j->path); /* under its lock */
    forget(j);
}
