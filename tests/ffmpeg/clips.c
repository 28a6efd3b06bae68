/* SPDX-License-Identifier: Apache-2.0 */
/* Clips for tests: see clips.h. */
#include "tests/ffmpeg/clips.h"

#include "tests/support/load.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#define NAMES_MAX 256

/* The flags of picture.c's recipe. */
#define FLAGS "bicubic+full_chroma_int+full_chroma_inp+accurate_rnd+bitexact"

const weft_limits clips_wide = {WEFT_HDR(weft_limits), 1 << 26, 1 << 15, 1 << 12, 1 << 30,
                                (uint64_t)4 << 30,     1 << 17, NULL};

int clips_tools(void)
{
    if (system("ffmpeg -version >/dev/null 2>&1 && ffprobe -version >/dev/null 2>&1") == 0)
        return 1;
    printf("skipped: the ffmpeg and ffprobe tools make this test's clips and are not there\n");
    return 0;
}

const char *clips_path(const char *name)
{
    static char paths[NAMES_MAX][512];
    static int  n;
    char        dir[400];
    assert_true(n < NAMES_MAX);
    snprintf(dir, sizeof dir, "%s/tests/clips-%s", WEFT_BUILD_DIR, program_invocation_short_name);
    mkdir(dir, 0777);
    snprintf(paths[n], sizeof paths[n], "%s/%s", dir, name);
    return paths[n++];
}

const char *clips_make(const char *name, const char *arguments)
{
    const char *path = clips_path(name);
    char        command[4096];
    int         n = snprintf(command, sizeof command,
                             "ffmpeg -hide_banner -nostdin -loglevel error -y %s \"%s\"", arguments, path);
    assert_true(n > 0 && (size_t)n < sizeof command);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
    return path;
}

uint8_t *clips_read(const char *path, uint64_t *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    long size = ftell(f);
    assert_true(size >= 0);
    rewind(f);
    uint8_t *p = malloc((size_t)size + 1);
    assert_non_null(p);
    assert_int_equal(fread(p, 1, (size_t)size, f), (size_t)size);
    fclose(f);
    *n = (uint64_t)size;
    return p;
}

void clips_write(const char *path, const uint8_t *p, uint64_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, (size_t)n, f), (size_t)n);
    fclose(f);
}

static FILE *probe(const char *path, const char *arguments)
{
    char command[2048];
    snprintf(command, sizeof command, "ffprobe -v error %s -of csv=p=0 \"%s\"", arguments, path);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    return f;
}

static int64_t us_of(const char *text)
{
    char  *end;
    double s = strtod(text, &end);
    return end == text ? INT64_MIN : (int64_t)llround(s * 1e6);
}

int64_t clips_probe_us(const char *path, const char *entry)
{
    char line[256] = "", arguments[256];
    snprintf(arguments, sizeof arguments, "-select_streams v:0 -show_entries %s", entry);
    FILE *f = probe(path, arguments);
    char *got = fgets(line, sizeof line, f);
    pclose(f);
    return got == NULL ? INT64_MIN : us_of(line);
}

int64_t *clips_times(const char *path, size_t *n)
{
    int64_t  start = clips_probe_us(path, "format=start_time");
    size_t   room = 0;
    int64_t *list = NULL;
    char     line[256];
    if (start == INT64_MIN) /* a clip so short that FFmpeg does not say */
        start = 0;
    *n = 0;
    FILE *f = probe(path, "-select_streams v:0 -show_entries frame=best_effort_timestamp_time");
    while (fgets(line, sizeof line, f) != NULL) {
        int64_t us = us_of(line);
        if (strncmp(line, "N/A", 3) == 0 && *n > 1) /* an AVI's last: one step further */
            us = 2 * list[*n - 1] - list[*n - 2] + start;
        if (us == INT64_MIN)
            continue;
        if (*n == room) {
            room = room == 0 ? 256 : 2 * room;
            list = realloc(list, room * sizeof *list);
            assert_non_null(list);
        }
        list[(*n)++] = us - start;
    }
    pclose(f);
    assert_true(*n > 0);
    return list;
}

uint8_t *clips_frames(const char *path, int width, int height, size_t *n)
{
    char       arguments[1024], name[64];
    uint64_t   bytes;
    static int serial;
    snprintf(name, sizeof name, "frames-%d.raw", serial++);
    snprintf(arguments, sizeof arguments,
             "-noautorotate -i \"%s\" -map 0:v:0 -vsync passthrough -vf scale=%d:%d:flags=" FLAGS
             " -pix_fmt rgb24 -f rawvideo",
             path, width, height);
    uint8_t *p = clips_read(clips_make(name, arguments), &bytes);
    *n = (size_t)(bytes / ((uint64_t)width * (uint64_t)height * 3));
    return p;
}

/* ---- the decoder ---- */

static int64_t read_at(void *ctx, uint64_t offset, void *dst, uint64_t n)
{
    clips_source *s = ctx;
    if (s->fail_at != 0 && offset + n > s->fail_at)
        return WEFT_E_IO;
    if (offset >= s->n)
        return 0;
    n = n < s->n - offset ? n : s->n - offset;
    if (s->is_pipe && offset < s->at && offset >= s->kept)
        return WEFT_E_UNSUPPORTED;
    if (s->is_pipe && offset < s->kept && offset + n > s->kept && s->at > s->kept)
        n = s->kept - offset;
    s->at = offset + n > s->at ? offset + n : s->at;
    memcpy(dst, s->p + offset, n);
    s->total += n;
    return (int64_t)n;
}

static int64_t length(void *ctx)
{
    const clips_source *s = ctx;
    return s->is_pipe ? -1 : (int64_t)s->n;
}

const weft_decoder *clips_decoder(void)
{
    static const weft_decoder *vt;
    static fake_host           host;
    if (vt != NULL)
        return vt;
    const weft_plugin me = module_load("weft-ffmpeg");
    fake_host_init(&host, NULL, 0);
    assert_int_equal(me.init(&host.host, NULL), WEFT_OK);
    assert_int_equal(me.desc->n_components, 1);
    vt = me.desc->components[0].vtable;
    return vt;
}

weft_status clip_try(clip *c, const char *kind, const weft_limits *lim)
{
    weft_source s = {WEFT_HDR(weft_source), &c->source, read_at, length};
    fake_host_init(&c->host, NULL, 0);
    c->dec = NULL;
    memset(&c->err, 0, sizeof c->err);
    c->err.hdr.size = sizeof c->err;
    weft_status st = clips_decoder()->open(&c->host.host, &s, kind, lim, &c->dec, &c->err);
    memset(&s, 0xFF, sizeof s); /* the decoder holds its copy */
    if (st != WEFT_OK) {
        assert_null(c->dec);
        return st;
    }
    c->info = (weft_media_info){.hdr = WEFT_HDR(weft_media_info)};
    assert_int_equal(clips_decoder()->info(c->dec, &c->info, &c->err), WEFT_OK);
    assert_string_equal(c->info.kind, kind);
    return st;
}

void clip_start(clip *c, const char *path, const char *kind)
{
    memset(c, 0, sizeof *c);
    c->bytes = clips_read(path, &c->source.n);
    c->source.p = c->bytes;
    if (clip_try(c, kind, NULL) != WEFT_OK)
        fail_msg("%s: %s", path, c->err.message);
}

void clip_shut(clip *c)
{
    clips_decoder()->close(c->dec);
    c->dec = NULL;
    assert_int_equal(c->host.blocks_live, 0);
    fake_host_deinit(&c->host);
    free(c->bytes);
    c->bytes = NULL;
}

weft_tensor clip_tensor(const clip *c, uint32_t n, uint8_t *px)
{
    const int64_t shape[4] = {n, c->info.height, c->info.width, c->info.has_alpha ? 4 : 3};
    return weft_view(NULL, px, WEFT_U8, 4, shape);
}

uint8_t *clip_frame(clip *c, int64_t t, int64_t *at)
{
    weft_tensor view = clip_tensor(c, 1, NULL);
    view.data = malloc(view.bytes); /* of exactly that, for the sanitizer's eyes */
    assert_non_null(view.data);
    if (clips_decoder()->read_frames(c->dec, &t, 1, &view, at, &c->err) != WEFT_OK)
        fail_msg("%lld us: %s", (long long)t, c->err.message);
    return view.data;
}

weft_status clip_read_once(clip *c, int64_t t)
{
    int64_t     at;
    weft_tensor view = clip_tensor(c, 1, NULL);
    view.data = malloc(view.bytes);
    weft_status st = clips_decoder()->read_frames(c->dec, &t, 1, &view, &at, &c->err);
    free(view.data);
    return st;
}

static weft_status hear(clip *c)
{
    static float  samples[8 * 4096];
    int64_t       got = 0;
    const int64_t shape[2] = {4096, c->info.channels};
    weft_tensor   t = weft_view(NULL, samples, WEFT_F32, 2, shape);
    weft_status   st;
    do
        st = clips_decoder()->read_audio(c->dec, 4096, &t, &got, &c->err);
    while (st == WEFT_OK && got == 4096);
    return st;
}

weft_status clip_use(clip *c, const char *kind, const weft_limits *lim, outcome *where)
{
    *where = AT_OPEN;
    weft_status st = clip_try(c, kind, lim);
    if (st != WEFT_OK)
        return st;
    *where = AT_FIRST;
    if (strcmp(kind, "audio") == 0)
        st = hear(c);
    else
        st = clip_read_once(c, 0);
    if (st != WEFT_OK)
        return st;
    *where = AT_LAST;
    if (strcmp(kind, "video") == 0)
        st = clip_read_once(c, c->info.duration_us);
    *where = st == WEFT_OK ? READS : AT_LAST;
    return st;
}

int bars_of(const uint8_t *rgb, int width, int height)
{
    int n = 0;
    for (int bit = 0; bit < 16; bit++) {
        int x = (2 * bit + 1) * width / 32; /* the middle of 16 columns */
        n |= (rgb[(height / 2 * width + x) * 3] > 127) << bit;
    }
    return n;
}

clip_work clip_spent(const clip *c)
{
    clip_work   w = {0, 0, 0, 0};
    const char *line = strstr(c->host.log, "D clip: ");
    assert_non_null(line);
    assert_int_equal(sscanf(line,
                            "D clip: %llu frames shown, %llu groups of pictures and %llu packets "
                            "decoded, %llu seeks",
                            &w.shown, &w.groups, &w.packets, &w.seeks),
                     4);
    return w;
}
