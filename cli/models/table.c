/* SPDX-License-Identifier: Apache-2.0 */
/* The table. A family is listed once its plugin is there and proven.
 *
 * Where its numbers are from. Sizes of the text cores and of Llama 3.2 Vision, Idefics and Idefics3
 * were counted on transformers 4.49's classes, Ultravox's follow from the sizes of its files, and
 * those of Granite 3.3 from the config.json of 2b instruct (49159 tokens), as others quote it,
 * whose formula gives for 8b instruct the 8170864640 that the hub shows. Granite Docling's follow
 * from its config.json, and make 515034240 bytes in bf16, where its file has 515093104. Granite
 * Speech 4.1 2B has the numbers of 4.0 1B, as its card says; Plus has 4 * 1024 * 1024 more, for the
 * keys and values of the projector's two layers, and no head of its own, since the hub counts 2.1
 * billion. No released directory was opened here: what differs is told by `weft model inspect`.
 * Licences are those of the cards. Mistral 7B Instruct v0.3: its card (a copy of it) says
 * Apache-2.0 and has the words of a gate; whether the gate is shut could not be looked up, so that
 * it is listed as gated.
 */
#include "models/models.h"

static const cli_family smollm = {
    "SmolLM2", NULL, "text",
    "Small, ungated, quick on any machine; good for a first try and for scripts.", CLI_PROOF_RUN};
static const cli_family llama = {
    "Llama 3", NULL, "text",
    "The text model of the paper: Llama 3, 3.1, 3.2 and 3.3, base and Instruct.", CLI_PROOF_RANDOM};
static const cli_family qwen = {
    "Qwen2.5", "weft.checkpoints", "text",
    "A Llama with biases of its queries, keys and values; many languages. Qwen2 runs alike.",
    CLI_PROOF_RANDOM};
static const cli_family mistral = {
    "Mistral", "weft.checkpoints", "text",
    "A Llama by its numbers; the releases with a sliding window (7B v0.1) are not run.",
    CLI_PROOF_RANDOM};
static const cli_family granite = {
    "Granite", "weft.checkpoints", "text",
    "IBM's Granite 3: a Llama with four multipliers. Its mixtures of experts are not run.",
    CLI_PROOF_RANDOM};
static const cli_family vision = {
    "Llama 3.2 Vision", "weft.vision", "text, pictures",
    "Llama 3.1 with the paper's image adapter: a ViT-H/14 and cross-attention layers.",
    CLI_PROOF_RANDOM};
static const cli_family idefics = {
    "Idefics", "weft.idefics", "text, pictures",
    "Llama 1 with gated cross-attention, after Flamingo; base and instruct.", CLI_PROOF_RANDOM};
static const cli_family smolvlm = {
    "SmolVLM and Idefics3", "weft.idefics3", "text, pictures",
    "SigLIP and soft tokens before a Llama; pictures are cut into tiles. The small ones run on any "
    "machine.",
    CLI_PROOF_RANDOM};
static const cli_family smolvlm2 = {"SmolVLM2", "weft.idefics3", "text, pictures, clips",
                                    "SmolVLM trained on clips too, of which it sees some frames.",
                                    CLI_PROOF_RANDOM};
static const cli_family docling = {
    "Granite Docling", "weft.idefics3", "text, pictures",
    "SmolVLM's graph before a small Granite, trained to read pages: the answer is the page in "
    "DocTags, with the place of each part, and -n must be large enough for all of it.",
    CLI_PROOF_RANDOM};
static const cli_family llava = {
    "LLaVA", "weft.llava", "text, pictures",
    "CLIP or SigLIP and a projector before a Llama whose weights were tuned with it.",
    CLI_PROOF_RANDOM};
static const cli_family ultravox = {
    "Ultravox", "weft.ultravox", "text, recordings",
    "A Whisper encoder and a projector beside a Llama Instruct that stays as it is.",
    CLI_PROOF_RANDOM};
static const cli_family voxtral = {
    "Voxtral", "weft.voxtral", "text, recordings",
    "A Whisper encoder and a projector before Mistral's text models: transcripts, also with the "
    "language named, and questions about a recording.",
    CLI_PROOF_RANDOM};

static const cli_family granite_speech = {"Granite Speech", "weft.granite_speech",
                                          "text, recordings",
                                          "A conformer and a Q-Former before a Granite; "
                                          "transcripts and translations of short recordings.",
                                          CLI_PROOF_RANDOM};

#define LLAMA_3 "Llama 3 Community License"
#define LLAMA_31 "Llama 3.1 Community License"
#define LLAMA_32 "Llama 3.2 Community License"
#define LLAMA_33 "Llama 3.3 Community License"
#define CHAT(DIR) "weft generate --chat -m " DIR " -p \"What is a loom?\""
#define SEE(DIR) "weft describe -m " DIR " photo.jpg"
#define READ(DIR) "weft describe -m " DIR " -n 4096 page.png"
#define WATCH(DIR) "weft describe -m " DIR " clip.mp4"
#define LISTEN(DIR) "weft transcribe -m " DIR " talk.flac"
#define HEAR(CORE, DIR) "weft transcribe -m " CORE " --set weft.ultravox.weights=" DIR " talk.flac"
#define WRITE(DIR) "weft transcribe -m " DIR " talk.flac"

/* Columns: family, name, repository, text core beside it, parameters of the text core, of its
 * tables, of encoders, context, gated, licence, use. */
const cli_release cli_releases[] = {
    {&smollm, "SmolLM2 135M Instruct", "HuggingFaceTB/SmolLM2-135M-Instruct", NULL, 134515008,
     28311552, 0, 8192, false, "Apache-2.0", CHAT("SmolLM2-135M-Instruct")},
    {&smollm, "SmolLM2 360M Instruct", "HuggingFaceTB/SmolLM2-360M-Instruct", NULL, 361821120,
     47185920, 0, 8192, false, "Apache-2.0", CHAT("SmolLM2-360M-Instruct")},
    {&smollm, "SmolLM2 1.7B Instruct", "HuggingFaceTB/SmolLM2-1.7B-Instruct", NULL, 1711376384,
     100663296, 0, 8192, false, "Apache-2.0", CHAT("SmolLM2-1.7B-Instruct")},
    {&llama, "Llama 3.2 1B Instruct", "meta-llama/Llama-3.2-1B-Instruct", NULL, 1235814400,
     262668288, 0, 131072, true, LLAMA_32, CHAT("Llama-3.2-1B-Instruct")},
    {&llama, "Llama 3.2 3B Instruct", "meta-llama/Llama-3.2-3B-Instruct", NULL, 3212749824,
     394002432, 0, 131072, true, LLAMA_32, CHAT("Llama-3.2-3B-Instruct")},
    {&llama, "Llama 3 8B Instruct", "meta-llama/Meta-Llama-3-8B-Instruct", NULL, 8030261248,
     1050673152, 0, 8192, true, LLAMA_3, CHAT("Meta-Llama-3-8B-Instruct")},
    {&llama, "Llama 3 70B Instruct", "meta-llama/Meta-Llama-3-70B-Instruct", NULL, 70553706496,
     2101346304, 0, 8192, true, LLAMA_3, CHAT("Meta-Llama-3-70B-Instruct")},
    {&llama, "Llama 3.1 8B Instruct", "meta-llama/Llama-3.1-8B-Instruct", NULL, 8030261248,
     1050673152, 0, 131072, true, LLAMA_31, CHAT("Llama-3.1-8B-Instruct")},
    {&llama, "Llama 3.1 70B Instruct", "meta-llama/Llama-3.1-70B-Instruct", NULL, 70553706496,
     2101346304, 0, 131072, true, LLAMA_31, CHAT("Llama-3.1-70B-Instruct")},
    {&llama, "Llama 3.3 70B Instruct", "meta-llama/Llama-3.3-70B-Instruct", NULL, 70553706496,
     2101346304, 0, 131072, true, LLAMA_33, CHAT("Llama-3.3-70B-Instruct")},
    {&qwen, "Qwen2.5 0.5B Instruct", "Qwen/Qwen2.5-0.5B-Instruct", NULL, 494032768, 136134656, 0,
     32768, false, "Apache-2.0", CHAT("Qwen2.5-0.5B-Instruct")},
    {&qwen, "Qwen2.5 7B Instruct", "Qwen/Qwen2.5-7B-Instruct", NULL, 7615616512, 1089994752, 0,
     32768, false, "Apache-2.0", CHAT("Qwen2.5-7B-Instruct")},
    {&mistral, "Mistral 7B Instruct v0.3", "mistralai/Mistral-7B-Instruct-v0.3", NULL, 7248023552,
     268435456, 0, 32768, true, "Apache-2.0", CHAT("Mistral-7B-Instruct-v0.3")},
    {&granite, "Granite 3.3 2B Instruct", "ibm-granite/granite-3.3-2b-instruct", NULL, 2533539840,
     100677632, 0, 131072, false, "Apache-2.0", CHAT("granite-3.3-2b-instruct")},
    {&granite, "Granite 3.3 8B Instruct", "ibm-granite/granite-3.3-8b-instruct", NULL, 8170864640,
     201355264, 0, 131072, false, "Apache-2.0", CHAT("granite-3.3-8b-instruct")},
    {&vision, "Llama 3.2 11B Vision Instruct", "meta-llama/Llama-3.2-11B-Vision-Instruct", NULL,
     9775192080, 1050705920, 867749395, 131072, true, LLAMA_32,
     SEE("Llama-3.2-11B-Vision-Instruct")},
    {&vision, "Llama 3.2 90B Vision Instruct", "meta-llama/Llama-3.2-90B-Vision-Instruct", NULL,
     87666865192, 2101411840, 899210771, 131072, true, LLAMA_32,
     SEE("Llama-3.2-90B-Vision-Instruct")},
    {&smolvlm, "SmolVLM 256M Instruct", "HuggingFaceTB/SmolVLM-256M-Instruct", NULL, 162974016,
     56770560, 93510912, 8192, false, "Apache-2.0", SEE("SmolVLM-256M-Instruct")},
    {&smolvlm, "SmolVLM 500M Instruct", "HuggingFaceTB/SmolVLM-500M-Instruct", NULL, 409252800,
     94617600, 98229504, 8192, false, "Apache-2.0", SEE("SmolVLM-500M-Instruct")},
    {&smolvlm, "Idefics3 8B Llama3", "HuggingFaceM4/Idefics3-8B-Llama3", NULL, 8030285824,
     1050697728, 431800560, 131072, false, "Apache-2.0", SEE("Idefics3-8B-Llama3")},
    {&smolvlm2, "SmolVLM2 256M Video Instruct", "HuggingFaceTB/SmolVLM2-256M-Video-Instruct", NULL,
     162974016, 56770560, 93510912, 8192, false, "Apache-2.0",
     WATCH("SmolVLM2-256M-Video-Instruct")},
    {&smolvlm2, "SmolVLM2 500M Video Instruct", "HuggingFaceTB/SmolVLM2-500M-Video-Instruct", NULL,
     409252800, 94617600, 98229504, 8192, false, "Apache-2.0",
     WATCH("SmolVLM2-500M-Video-Instruct")},
    {&smolvlm2, "SmolVLM2 2.2B Instruct", "HuggingFaceTB/SmolVLM2-2.2B-Instruct", NULL, 1812563968,
     201850880, 434220912, 8192, false, "Apache-2.0", WATCH("SmolVLM2-2.2B-Instruct")},
    {&docling, "Granite Docling 258M", "ibm-granite/granite-docling-258M", NULL, 164006208,
     57802752, 93510912, 8192, false, "Apache-2.0", READ("granite-docling-258M")},
    {&llava, "LLaVA 1.5 7B", "llava-hf/llava-1.5-7b-hf", NULL, 6738939904, 262668288, 324487168,
     4096, false, "Llama 2 Community License", SEE("llava-1.5-7b-hf")},
    {&llava, "LLaVA 1.5 13B", "llava-hf/llava-1.5-13b-hf", NULL, 13016519680, 328335360, 334974976,
     4096, false, "Llama 2 Community License", SEE("llava-1.5-13b-hf")},
    {&llava, "LLaVA Llama 3 8B (xtuner)", "xtuner/llava-llama-3-8b-v1_1-transformers", NULL,
     8030785536, 1051197440, 324487168, 8192, false, LLAMA_3,
     SEE("llava-llama-3-8b-v1_1-transformers")},
    {&llava, "LLaVA-NeXT Llama 3 8B", "llava-hf/llama3-llava-next-8b-hf", NULL, 8030785536,
     1051197440, 324491264, 8192, false, LLAMA_3, SEE("llama3-llava-next-8b-hf")},
    {&llava, "JoyCaption Beta One", "fancyfeast/llama-joycaption-beta-one-hf-llava", NULL,
     8030261248, 1050673152, 449729600, 131072, false, LLAMA_31,
     SEE("llama-joycaption-beta-one-hf-llava")},
    {&idefics, "Idefics 9B Instruct", "HuggingFaceM4/idefics-9b-instruct", NULL, 8172949520,
     262160384, 756725760, 2048, false, "Llama 1's, for research", SEE("idefics-9b-instruct")},
    {&ultravox, "Ultravox v0.5 on Llama 3.2 1B", "fixie-ai/ultravox-v0_5-llama-3_2-1b",
     "meta-llama/Llama-3.2-1B-Instruct", 1235814400, 262668288, 683118592, 131072, false,
     "MIT (and the text model's own)", HEAR("Llama-3.2-1B-Instruct", "ultravox-v0_5-llama-3_2-1b")},
    {&ultravox, "Ultravox v0.6 on Llama 3.1 8B", "fixie-ai/ultravox-v0_6-llama-3_1-8b",
     "meta-llama/Llama-3.1-8B-Instruct", 8030261248, 1050673152, 687312896, 131072, false,
     "MIT (and the text model's own)", HEAR("Llama-3.1-8B-Instruct", "ultravox-v0_6-llama-3_1-8b")},
    {&ultravox, "Ultravox v0.6 on Llama 3.3 70B", "fixie-ai/ultravox-v0_6-llama-3_3-70b",
     "meta-llama/Llama-3.3-70B-Instruct", 70553706496, 2101346304, 695701504, 131072, false,
     "MIT (and the text model's own)",
     HEAR("Llama-3.3-70B-Instruct", "ultravox-v0_6-llama-3_3-70b")},
    {&granite_speech, "Granite Speech 3.3 2B", "ibm-granite/granite-speech-3.3-2b", NULL,
     2550581248, 100679680, 475743488, 131072, false, "Apache-2.0",
     LISTEN("granite-speech-3.3-2b")},
    {&granite_speech, "Granite Speech 3.3 8B", "ibm-granite/granite-speech-3.3-8b", NULL,
     8204947456, 201359360, 477842688, 131072, false, "Apache-2.0",
     LISTEN("granite-speech-3.3-8b")},
    {&granite_speech, "Granite Speech 4.0 1B", "ibm-granite/granite-4.0-1b-speech", NULL,
     1837275136, 411045888, 475931996, 131072, false, "Apache-2.0",
     LISTEN("granite-4.0-1b-speech")},
    {&granite_speech, "Granite Speech 4.1 2B", "ibm-granite/granite-speech-4.1-2b", NULL,
     1837275136, 411045888, 475931996, 131072, false, "Apache-2.0",
     LISTEN("granite-speech-4.1-2b")},
    {&granite_speech, "Granite Speech 4.1 2B Plus", "ibm-granite/granite-speech-4.1-2b-plus", NULL,
     1631752192, 205522944, 480126300, 131072, false, "Apache-2.0",
     LISTEN("granite-speech-4.1-2b-plus")},
    {&voxtral, "Voxtral Mini 3B", "mistralai/Voxtral-Mini-3B-2507", NULL, 4014136320, 805306368,
     662134784, 131072, false, "Apache-2.0", WRITE("Voxtral-Mini-3B-2507")},
    {&voxtral, "Voxtral Small 24B", "mistralai/Voxtral-Small-24B-2507", NULL, 23572403200,
     1342177280, 689397760, 131072, false, "Apache-2.0", WRITE("Voxtral-Small-24B-2507")},
    {NULL, NULL, NULL, NULL, 0, 0, 0, 0, false, NULL, NULL},
};
