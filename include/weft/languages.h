/* SPDX-License-Identifier: Apache-2.0 */
/* Languages by the names and codes that people and files give them. Plugins may use it. */
#ifndef WEFT_LANGUAGES_H
#define WEFT_LANGUAGES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#ifdef __cplusplus
extern "C" {
#endif

/* code: ISO 639-1; biblio, term: the two codes of ISO 639-2 ("ger" and "deu"), which are mostly the
 * same; name: in English, as Whisper's tokenizer has it, else as ISO 639-3. */
typedef struct weft_language {
    const char *code, *biblio, *term, *name;
} weft_language;

/* The index-th language; NULL past the end. Those that speech models are trained on come first. Any
 * thread. */
static inline const weft_language *weft_language_at(uint32_t index)
{
    static const weft_language table[] = {{"en", "eng", "eng", "English"},
                                          {"de", "ger", "deu", "German"},
                                          {"fr", "fre", "fra", "French"},
                                          {"es", "spa", "spa", "Spanish"},
                                          {"it", "ita", "ita", "Italian"},
                                          {"pt", "por", "por", "Portuguese"},
                                          {"nl", "dut", "nld", "Dutch"},
                                          {"pl", "pol", "pol", "Polish"},
                                          {"ru", "rus", "rus", "Russian"},
                                          {"uk", "ukr", "ukr", "Ukrainian"},
                                          {"cs", "cze", "ces", "Czech"},
                                          {"sk", "slo", "slk", "Slovak"},
                                          {"sl", "slv", "slv", "Slovenian"},
                                          {"hr", "hrv", "hrv", "Croatian"},
                                          {"sr", "srp", "srp", "Serbian"},
                                          {"bs", "bos", "bos", "Bosnian"},
                                          {"bg", "bul", "bul", "Bulgarian"},
                                          {"mk", "mac", "mkd", "Macedonian"},
                                          {"be", "bel", "bel", "Belarusian"},
                                          {"ro", "rum", "ron", "Romanian"},
                                          {"hu", "hun", "hun", "Hungarian"},
                                          {"el", "gre", "ell", "Greek"},
                                          {"sq", "alb", "sqi", "Albanian"},
                                          {"tr", "tur", "tur", "Turkish"},
                                          {"az", "aze", "aze", "Azerbaijani"},
                                          {"kk", "kaz", "kaz", "Kazakh"},
                                          {"uz", "uzb", "uzb", "Uzbek"},
                                          {"tk", "tuk", "tuk", "Turkmen"},
                                          {"tg", "tgk", "tgk", "Tajik"},
                                          {"ky", "kir", "kir", "Kyrgyz"},
                                          {"tt", "tat", "tat", "Tatar"},
                                          {"ba", "bak", "bak", "Bashkir"},
                                          {"mn", "mon", "mon", "Mongolian"},
                                          {"sv", "swe", "swe", "Swedish"},
                                          {"da", "dan", "dan", "Danish"},
                                          {"no", "nor", "nor", "Norwegian"},
                                          {"nb", "nob", "nob", "Norwegian"},
                                          {"nn", "nno", "nno", "Nynorsk"},
                                          {"is", "ice", "isl", "Icelandic"},
                                          {"fo", "fao", "fao", "Faroese"},
                                          {"fi", "fin", "fin", "Finnish"},
                                          {"et", "est", "est", "Estonian"},
                                          {"lv", "lav", "lav", "Latvian"},
                                          {"lt", "lit", "lit", "Lithuanian"},
                                          {"ga", "gle", "gle", "Irish"},
                                          {"gd", "gla", "gla", "Gaelic"},
                                          {"cy", "wel", "cym", "Welsh"},
                                          {"br", "bre", "bre", "Breton"},
                                          {"eu", "baq", "eus", "Basque"},
                                          {"ca", "cat", "cat", "Catalan"},
                                          {"gl", "glg", "glg", "Galician"},
                                          {"oc", "oci", "oci", "Occitan"},
                                          {"lb", "ltz", "ltz", "Luxembourgish"},
                                          {"mt", "mlt", "mlt", "Maltese"},
                                          {"la", "lat", "lat", "Latin"},
                                          {"eo", "epo", "epo", "Esperanto"},
                                          {"yi", "yid", "yid", "Yiddish"},
                                          {"he", "heb", "heb", "Hebrew"},
                                          {"ar", "ara", "ara", "Arabic"},
                                          {"fa", "per", "fas", "Persian"},
                                          {"ps", "pus", "pus", "Pashto"},
                                          {"ku", "kur", "kur", "Kurdish"},
                                          {"ur", "urd", "urd", "Urdu"},
                                          {"hi", "hin", "hin", "Hindi"},
                                          {"bn", "ben", "ben", "Bengali"},
                                          {"pa", "pan", "pan", "Punjabi"},
                                          {"gu", "guj", "guj", "Gujarati"},
                                          {"mr", "mar", "mar", "Marathi"},
                                          {"ne", "nep", "nep", "Nepali"},
                                          {"sa", "san", "san", "Sanskrit"},
                                          {"sd", "snd", "snd", "Sindhi"},
                                          {"si", "sin", "sin", "Sinhala"},
                                          {"as", "asm", "asm", "Assamese"},
                                          {"or", "ori", "ori", "Odia"},
                                          {"ta", "tam", "tam", "Tamil"},
                                          {"te", "tel", "tel", "Telugu"},
                                          {"kn", "kan", "kan", "Kannada"},
                                          {"ml", "mal", "mal", "Malayalam"},
                                          {"zh", "chi", "zho", "Chinese"},
                                          {"ja", "jpn", "jpn", "Japanese"},
                                          {"ko", "kor", "kor", "Korean"},
                                          {"vi", "vie", "vie", "Vietnamese"},
                                          {"th", "tha", "tha", "Thai"},
                                          {"lo", "lao", "lao", "Lao"},
                                          {"km", "khm", "khm", "Khmer"},
                                          {"my", "bur", "mya", "Burmese"},
                                          {"bo", "tib", "bod", "Tibetan"},
                                          {"id", "ind", "ind", "Indonesian"},
                                          {"ms", "may", "msa", "Malay"},
                                          {"tl", "tgl", "tgl", "Tagalog"},
                                          {"jv", "jav", "jav", "Javanese"},
                                          {"su", "sun", "sun", "Sundanese"},
                                          {"mi", "mao", "mri", "Maori"},
                                          {"mg", "mlg", "mlg", "Malagasy"},
                                          {"ht", "hat", "hat", "Haitian"},
                                          {"sw", "swa", "swa", "Swahili"},
                                          {"am", "amh", "amh", "Amharic"},
                                          {"ti", "tir", "tir", "Tigrinya"},
                                          {"so", "som", "som", "Somali"},
                                          {"ha", "hau", "hau", "Hausa"},
                                          {"ig", "ibo", "ibo", "Igbo"},
                                          {"yo", "yor", "yor", "Yoruba"},
                                          {"zu", "zul", "zul", "Zulu"},
                                          {"xh", "xho", "xho", "Xhosa"},
                                          {"af", "afr", "afr", "Afrikaans"},
                                          {"sn", "sna", "sna", "Shona"},
                                          {"ln", "lin", "lin", "Lingala"},
                                          {"ka", "geo", "kat", "Georgian"},
                                          {"hy", "arm", "hye", "Armenian"},
                                          {"aa", "aar", "aar", "Afar"},
                                          {"ab", "abk", "abk", "Abkhazian"},
                                          {"ae", "ave", "ave", "Avestan"},
                                          {"ak", "aka", "aka", "Akan"},
                                          {"an", "arg", "arg", "Aragonese"},
                                          {"av", "ava", "ava", "Avaric"},
                                          {"ay", "aym", "aym", "Aymara"},
                                          {"bi", "bis", "bis", "Bislama"},
                                          {"bm", "bam", "bam", "Bambara"},
                                          {"ce", "che", "che", "Chechen"},
                                          {"ch", "cha", "cha", "Chamorro"},
                                          {"co", "cos", "cos", "Corsican"},
                                          {"cr", "cre", "cre", "Cree"},
                                          {"cu", "chu", "chu", "Church Slavic"},
                                          {"cv", "chv", "chv", "Chuvash"},
                                          {"dv", "div", "div", "Divehi"},
                                          {"dz", "dzo", "dzo", "Dzongkha"},
                                          {"ee", "ewe", "ewe", "Ewe"},
                                          {"ff", "ful", "ful", "Fulah"},
                                          {"fj", "fij", "fij", "Fijian"},
                                          {"fy", "fry", "fry", "Western Frisian"},
                                          {"gn", "grn", "grn", "Guarani"},
                                          {"gv", "glv", "glv", "Manx"},
                                          {"ho", "hmo", "hmo", "Hiri Motu"},
                                          {"hz", "her", "her", "Herero"},
                                          {"ia", "ina", "ina", "Interlingua"},
                                          {"ie", "ile", "ile", "Interlingue"},
                                          {"ii", "iii", "iii", "Sichuan Yi"},
                                          {"ik", "ipk", "ipk", "Inupiaq"},
                                          {"io", "ido", "ido", "Ido"},
                                          {"iu", "iku", "iku", "Inuktitut"},
                                          {"kg", "kon", "kon", "Kongo"},
                                          {"ki", "kik", "kik", "Kikuyu"},
                                          {"kj", "kua", "kua", "Kuanyama"},
                                          {"kl", "kal", "kal", "Kalaallisut"},
                                          {"kr", "kau", "kau", "Kanuri"},
                                          {"ks", "kas", "kas", "Kashmiri"},
                                          {"kv", "kom", "kom", "Komi"},
                                          {"kw", "cor", "cor", "Cornish"},
                                          {"lg", "lug", "lug", "Ganda"},
                                          {"li", "lim", "lim", "Limburgan"},
                                          {"lu", "lub", "lub", "Luba-Katanga"},
                                          {"mh", "mah", "mah", "Marshallese"},
                                          {"na", "nau", "nau", "Nauru"},
                                          {"nd", "nde", "nde", "North Ndebele"},
                                          {"ng", "ndo", "ndo", "Ndonga"},
                                          {"nr", "nbl", "nbl", "South Ndebele"},
                                          {"nv", "nav", "nav", "Navajo"},
                                          {"ny", "nya", "nya", "Chichewa"},
                                          {"oj", "oji", "oji", "Ojibwa"},
                                          {"om", "orm", "orm", "Oromo"},
                                          {"os", "oss", "oss", "Ossetian"},
                                          {"pi", "pli", "pli", "Pali"},
                                          {"qu", "que", "que", "Quechua"},
                                          {"rm", "roh", "roh", "Romansh"},
                                          {"rn", "run", "run", "Rundi"},
                                          {"rw", "kin", "kin", "Kinyarwanda"},
                                          {"sc", "srd", "srd", "Sardinian"},
                                          {"se", "sme", "sme", "Northern Sami"},
                                          {"sg", "sag", "sag", "Sango"},
                                          {"sh", "hbs", "hbs", "Serbo-Croatian"},
                                          {"sm", "smo", "smo", "Samoan"},
                                          {"ss", "ssw", "ssw", "Swati"},
                                          {"st", "sot", "sot", "Southern Sotho"},
                                          {"tn", "tsn", "tsn", "Tswana"},
                                          {"to", "ton", "ton", "Tonga"},
                                          {"ts", "tso", "tso", "Tsonga"},
                                          {"tw", "twi", "twi", "Twi"},
                                          {"ty", "tah", "tah", "Tahitian"},
                                          {"ug", "uig", "uig", "Uighur"},
                                          {"ve", "ven", "ven", "Venda"},
                                          {"vo", "vol", "vol", "Volapuk"},
                                          {"wa", "wln", "wln", "Walloon"},
                                          {"wo", "wol", "wol", "Wolof"},
                                          {"za", "zha", "zha", "Zhuang"}};
    return index < sizeof table / sizeof *table ? &table[index] : NULL;
}

/* The language that a word names: by its English name or one of its codes, in letters of any size;
 * what follows a - or _ behind a code is a region and does not count. NULL: none that is known. Any
 * thread. */
static inline const weft_language *weft_language_find(const char *word)
{
    const weft_language *l;
    size_t               n = strcspn(word, "-_");
    for (uint32_t i = 0; (l = weft_language_at(i)) != NULL; i++)
        if (strcasecmp(l->name, word) == 0 || (n == 2 && strncasecmp(l->code, word, n) == 0) ||
            (n == 3 &&
             (strncasecmp(l->biblio, word, n) == 0 || strncasecmp(l->term, word, n) == 0)))
            return l;
    return NULL;
}

#ifdef __cplusplus
}
#endif
#endif
