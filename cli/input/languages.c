/* SPDX-License-Identifier: Apache-2.0 */
/* The languages that speech models are known to be trained on. */
#include "input/languages.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "weft/weft.h"

static const struct {
    const char *code, *name;
} languages[] = {
    {"en", "English"},       {"de", "German"},     {"fr", "French"},     {"es", "Spanish"},
    {"it", "Italian"},       {"pt", "Portuguese"}, {"nl", "Dutch"},      {"pl", "Polish"},
    {"ru", "Russian"},       {"uk", "Ukrainian"},  {"cs", "Czech"},      {"sk", "Slovak"},
    {"sl", "Slovenian"},     {"hr", "Croatian"},   {"sr", "Serbian"},    {"bs", "Bosnian"},
    {"bg", "Bulgarian"},     {"mk", "Macedonian"}, {"be", "Belarusian"}, {"ro", "Romanian"},
    {"hu", "Hungarian"},     {"el", "Greek"},      {"sq", "Albanian"},   {"tr", "Turkish"},
    {"az", "Azerbaijani"},   {"kk", "Kazakh"},     {"uz", "Uzbek"},      {"tk", "Turkmen"},
    {"tg", "Tajik"},         {"ky", "Kyrgyz"},     {"tt", "Tatar"},      {"ba", "Bashkir"},
    {"mn", "Mongolian"},     {"sv", "Swedish"},    {"da", "Danish"},     {"no", "Norwegian"},
    {"nb", "Norwegian"},     {"nn", "Nynorsk"},    {"is", "Icelandic"},  {"fo", "Faroese"},
    {"fi", "Finnish"},       {"et", "Estonian"},   {"lv", "Latvian"},    {"lt", "Lithuanian"},
    {"ga", "Irish"},         {"gd", "Gaelic"},     {"cy", "Welsh"},      {"br", "Breton"},
    {"eu", "Basque"},        {"ca", "Catalan"},    {"gl", "Galician"},   {"oc", "Occitan"},
    {"lb", "Luxembourgish"}, {"mt", "Maltese"},    {"la", "Latin"},      {"eo", "Esperanto"},
    {"yi", "Yiddish"},       {"he", "Hebrew"},     {"ar", "Arabic"},     {"fa", "Persian"},
    {"ps", "Pashto"},        {"ku", "Kurdish"},    {"ur", "Urdu"},       {"hi", "Hindi"},
    {"bn", "Bengali"},       {"pa", "Punjabi"},    {"gu", "Gujarati"},   {"mr", "Marathi"},
    {"ne", "Nepali"},        {"sa", "Sanskrit"},   {"sd", "Sindhi"},     {"si", "Sinhala"},
    {"as", "Assamese"},      {"or", "Odia"},       {"ta", "Tamil"},      {"te", "Telugu"},
    {"kn", "Kannada"},       {"ml", "Malayalam"},  {"zh", "Chinese"},    {"ja", "Japanese"},
    {"ko", "Korean"},        {"vi", "Vietnamese"}, {"th", "Thai"},       {"lo", "Lao"},
    {"km", "Khmer"},         {"my", "Burmese"},    {"bo", "Tibetan"},    {"id", "Indonesian"},
    {"ms", "Malay"},         {"tl", "Tagalog"},    {"jv", "Javanese"},   {"su", "Sundanese"},
    {"mi", "Maori"},         {"mg", "Malagasy"},   {"ht", "Haitian"},    {"sw", "Swahili"},
    {"am", "Amharic"},       {"ti", "Tigrinya"},   {"so", "Somali"},     {"ha", "Hausa"},
    {"ig", "Igbo"},          {"yo", "Yoruba"},     {"zu", "Zulu"},       {"xh", "Xhosa"},
    {"af", "Afrikaans"},     {"sn", "Shona"},      {"ln", "Lingala"},    {"ka", "Georgian"},
    {"hy", "Armenian"},
};
#define COUNT (sizeof languages / sizeof *languages)

const char *cli_language_name(const char *word)
{
    size_t code = strcspn(word, "-_"); /* a region may follow */
    for (size_t i = 0; i < COUNT; i++)
        if (strcasecmp(languages[i].name, word) == 0 ||
            (code == 2 && strncasecmp(languages[i].code, word, 2) == 0))
            return languages[i].name;
    return NULL;
}

const char *cli_language_near(const char *word)
{
    const char *names[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        names[i] = languages[i].name;
    return weft_nearest(word, names, (uint32_t)COUNT);
}
