/* SPDX-License-Identifier: Apache-2.0 */
/* logits TEXT_DIR SENSORS_SO WEIGHTS_DIR A.csv B.csv: do readings reach the logits, and only where
 * they may? Built against what was installed, as a stranger's program would be. Exit code 0: all
 * holds. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/weft.h>

#define TEXT "a small red"

static weft_error err = {.hdr = WEFT_HDR(weft_error)};

static void must(weft_status status, const char *what)
{
    if (status == WEFT_OK)
        return;
    fprintf(stderr, "logits: %s: %s\n", what, err.message);
    exit(1);
}

static void expect(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "logits: does not hold: %s\n", what);
    exit(1);
}

static weft_settings *settings_of(const char *model, const char *plugin, const char *weights,
                                  const char *device)
{
    weft_settings *s;
    char           pair[4200];
    must(weft_settings_create(&s, &err), "settings");
    must(weft_settings_set(s, "model", model, "argument", &err), "model");
    must(weft_settings_set(s, "device", device, "argument", &err), "device");
    if (plugin != NULL) {
        snprintf(pair, sizeof pair, "org.example.sensors.weights=%s", weights);
        must(weft_settings_set(s, "plugin", plugin, "argument", &err), "plugin");
        must(weft_settings_set_pair(s, pair, &err), "weights");
    }
    return s;
}

/* The text runs in one step with the readings behind it; then it is cut back to the text's last
 * token, which runs again over the K/V that were kept. */
static void last_of_text(weft_engine *e, weft_sequence **s, weft_item *item, uint64_t n,
                         float *logits)
{
    int32_t ids[32];
    must(weft_tokenize(e, TEXT, strlen(TEXT), 0, ids, 32, &n, &err), "tokenize");
    must(weft_sequence_feed_item(*s, item, &err), "feed item");
    must(weft_step(e, s, 1, logits, &err), "step");
    must(weft_sequence_truncate(*s, (int64_t)n - 1, &err), "truncate");
    must(weft_sequence_feed_ids(*s, ids + n - 1, 1, &err), "feed ids");
    must(weft_step(e, s, 1, logits, &err), "step");
}

/* Logits [vocab] of the last token of TEXT with the readings of csv before it, or after it and in
 * the same step; NULL: none. */
static float *run(weft_engine *e, int32_t vocab, const char *csv, int after)
{
    weft_sequence *s;
    weft_item     *item = NULL;
    int32_t        ids[32];
    uint64_t       n = 0;
    float         *logits = malloc((size_t)vocab * sizeof *logits);
    must(weft_tokenize(e, TEXT, strlen(TEXT), 0, ids, 32, &n, &err), "tokenize");
    must(weft_sequence_create(e, &s, &err), "sequence");
    if (csv != NULL) {
        weft_item_request rq = WEFT_ITEM_REQUEST(csv);
        must(weft_item_open(e, &rq, &item, &err), "item");
    }
    if (item != NULL && !after)
        must(weft_sequence_feed_item(s, item, &err), "feed item");
    must(weft_sequence_feed_ids(s, ids, n, &err), "feed ids");
    if (after)
        last_of_text(e, &s, item, n, logits);
    else
        must(weft_step(e, &s, 1, logits, &err), "step");
    weft_sequence_destroy(&s);
    weft_item_release(&item);
    for (int32_t i = 0; i < vocab; i++)
        expect(isfinite(logits[i]), "logits are finite");
    return logits;
}

static float *one_run(char **argv, int with_plugin, const char *device, const char *csv, int after,
                      int32_t *vocab)
{
    weft_settings   *s = settings_of(argv[1], with_plugin ? argv[2] : NULL, argv[3], device);
    weft_engine     *e;
    weft_engine_info info = {.hdr = WEFT_HDR(weft_engine_info)};
    must(weft_engine_open(s, 0, NULL, &e, &err), "open");
    must(weft_engine_describe(e, &info, &err), "describe");
    *vocab = info.vocab;
    float *logits = run(e, info.vocab, csv, after);
    weft_engine_close(&e);
    weft_settings_destroy(&s);
    return logits;
}

int main(int argc, char **argv)
{
    int32_t vocab = 0;
    if (argc != 6)
        return 2;
    float *bare = one_run(argv, 0, "cpu", NULL, 0, &vocab);
    float *idle = one_run(argv, 1, "cpu", NULL, 0, &vocab);
    float *before = one_run(argv, 1, "cpu", argv[4], 1, &vocab);
    float *a = one_run(argv, 1, "cpu", argv[4], 0, &vocab);
    float *again = one_run(argv, 1, "cpu", argv[4], 0, &vocab);
    float *late = one_run(argv, 1, "async-test", argv[4], 0, &vocab);
    float *b = one_run(argv, 1, "cpu", argv[5], 0, &vocab);
    size_t bytes = (size_t)vocab * sizeof(float);
    double most = 0;
    for (int32_t i = 0; i < vocab; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    expect(memcmp(bare, idle, bytes) == 0,
           "text has its bytes with the plugin loaded and no readings");
    expect(memcmp(bare, before, bytes) == 0, "text before readings keeps its bytes");
    expect(memcmp(a, again, bytes) == 0, "the same readings give the same bytes");
    expect(memcmp(a, late, bytes) == 0, "the asynchronous device gives the CPU's bytes");
    /* Rounding alone would give 1e-6; other readings through a gate of tanh(0.5) must do far more.
     */
    expect(most > 1e-3, "other readings give other logits");
    printf("other readings move a logit by up to %.3f\n", most);
    free(bare);
    free(idle);
    free(before);
    free(a);
    free(again);
    free(late);
    free(b);
    return 0;
}
