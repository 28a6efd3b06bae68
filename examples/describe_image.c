/* SPDX-License-Identifier: Apache-2.0 */
/* Describes a picture with the library: cc describe_image.c $(pkg-config --cflags --libs
 * weft) */
#include <stdio.h>
#include <weft/weft.h>

static int32_t print_token(void *ctx, const weft_token *t)
{
    (void)ctx;
    fwrite(t->text, 1, (size_t)t->text_bytes, stdout);
    return 0; /* go on */
}

int main(int argc, char **argv)
{
    weft_error        err = {WEFT_HDR(weft_error), 0, 0, {0}};
    weft_settings    *settings = NULL;
    weft_engine      *engine = NULL;
    weft_item        *picture = NULL;
    weft_sequence    *sequence = NULL;
    weft_sampling     sampling;
    weft_item_request request = WEFT_ITEM_REQUEST(argv[argc - 1]);
    weft_prompt       prompt = {
              WEFT_HDR(weft_prompt), WEFT_PROMPT_CHAT, 1, NULL, NULL, 0, "describe", &picture, NULL};

    weft_status status = weft_settings_create(&settings, &err);
    if (status == WEFT_OK &&
        argc == 3) /* describe_image [MODEL-DIR] PICTURE; else the demo model */
        status = weft_settings_set(settings, "model", argv[1], "argument 1", &err);
    if (status == WEFT_OK)
        status = weft_engine_open(settings, 0, NULL, &engine, &err);
    if (status == WEFT_OK)
        status = weft_item_open(engine, &request, &picture, &err);
    if (status == WEFT_OK)
        status = weft_sequence_create(engine, &sequence, &err);
    if (status == WEFT_OK)
        status = weft_sequence_feed_prompt(sequence, &prompt, &err);
    if (status == WEFT_OK) {
        sampling.hdr.size = (uint32_t)sizeof sampling;
        weft_sampling_from_settings(settings, &sampling);
        status = weft_generate(sequence, &sampling, print_token, NULL, NULL, &err);
    }
    puts(status == WEFT_OK ? "" : err.message);
    weft_sequence_destroy(&sequence);
    weft_item_release(&picture);
    weft_engine_close(&engine);
    weft_settings_destroy(&settings);
    return status == WEFT_OK ? 0 : weft_exit_code(&err);
}
