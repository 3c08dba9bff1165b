//! The Unicode properties of ECMA-262 by their exact names; regex-syntax has the tables. (The crate itself matches names loosely.)

use super::tree::{Set, any, complement, contains};
use regex_syntax::hir::{Class, HirKind};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Values of General_Category.
const CATEGORIES: &str = "
    C Cased_Letter Cc Cf Close_Punctuation Cn Co Combining_Mark Connector_Punctuation Control Cs Currency_Symbol
    Dash_Punctuation Decimal_Number Enclosing_Mark Final_Punctuation Format Initial_Punctuation L LC Letter
    Letter_Number Line_Separator Ll Lm Lo Lowercase_Letter Lt Lu M Mark Math_Symbol Mc Me Mn Modifier_Letter
    Modifier_Symbol N Nd Nl No Nonspacing_Mark Number Open_Punctuation Other Other_Letter Other_Number
    Other_Punctuation Other_Symbol P Paragraph_Separator Pc Pd Pe Pf Pi Po Private_Use Ps Punctuation S Sc Separator
    Sk Sm So Space_Separator Spacing_Mark Surrogate Symbol Titlecase_Letter Unassigned Uppercase_Letter Z Zl Zp Zs
    cntrl digit punct
";

/// Values of Script and Script_Extensions.
const SCRIPTS: &str = "
    Adlam Adlm Aghb Ahom Anatolian_Hieroglyphs Arab Arabic Armenian Armi Armn Avestan Avst Bali Balinese Bamu Bamum
    Bass Bassa_Vah Batak Batk Beng Bengali Bhaiksuki Bhks Bopo Bopomofo Brah Brahmi Brai Braille Bugi Buginese Buhd
    Buhid Cakm Canadian_Aboriginal Cans Cari Carian Caucasian_Albanian Chakma Cham Cher Cherokee Chorasmian Chrs
    Common Copt Coptic Cpmn Cprt Cuneiform Cypriot Cypro_Minoan Cyrillic Cyrl Deseret Deva Devanagari Diak
    Dives_Akuru Dogr Dogra Dsrt Dupl Duployan Egyp Egyptian_Hieroglyphs Elba Elbasan Elym Elymaic Ethi Ethiopic Gara
    Garay Geor Georgian Glag Glagolitic Gong Gonm Goth Gothic Gran Grantha Greek Grek Gujarati Gujr Gukh
    Gunjala_Gondi Gurmukhi Guru Gurung_Khema Han Hang Hangul Hani Hanifi_Rohingya Hano Hanunoo Hatr Hatran Hebr
    Hebrew Hira Hiragana Hluw Hmng Hmnp Hung Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian
    Ital Java Javanese Kaithi Kali Kana Kannada Katakana Kawi Kayah_Li Khar Kharoshthi Khitan_Small_Script Khmer
    Khmr Khoj Khojki Khudawadi Kirat_Rai Kits Knda Krai Kthi Lana Lao Laoo Latin Latn Lepc Lepcha Limb Limbu Lina
    Linb Linear_A Linear_B Lisu Lyci Lycian Lydi Lydian Mahajani Mahj Maka Makasar Malayalam Mand Mandaic Mani
    Manichaean Marc Marchen Masaram_Gondi Medefaidrin Medf Meetei_Mayek Mend Mende_Kikakui Merc Mero
    Meroitic_Cursive Meroitic_Hieroglyphs Miao Mlym Modi Mong Mongolian Mro Mroo Mtei Mult Multani Myanmar Mymr
    Nabataean Nag_Mundari Nagm Nand Nandinagari Narb Nbat New_Tai_Lue Newa Nko Nkoo Nshu Nushu
    Nyiakeng_Puachue_Hmong Ogam Ogham Ol_Chiki Ol_Onal Olck Old_Hungarian Old_Italic Old_North_Arabian Old_Permic
    Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Onao Oriya Orkh Orya Osage Osge Osma Osmanya
    Ougr Pahawh_Hmong Palm Palmyrene Pau_Cin_Hau Pauc Perm Phag Phags_Pa Phli Phlp Phnx Phoenician Plrd Prti
    Psalter_Pahlavi Qaac Qaai Rejang Rjng Rohg Runic Runr Samaritan Samr Sarb Saur Saurashtra Sgnw Sharada Shavian
    Shaw Shrd Sidd Siddham SignWriting Sind Sinh Sinhala Sogd Sogdian Sogo Sora Sora_Sompeng Soyo Soyombo Sund
    Sundanese Sunu Sunuwar Sylo Syloti_Nagri Syrc Syriac Tagalog Tagb Tagbanwa Tai_Le Tai_Tham Tai_Viet Takr Takri
    Tale Talu Tamil Taml Tang Tangsa Tangut Tavt Telu Telugu Tfng Tglg Thaa Thaana Thai Tibetan Tibt Tifinagh Tirh
    Tirhuta Tnsa Todhri Todr Toto Tulu_Tigalari Tutg Ugar Ugaritic Unknown Vai Vaii Vith Vithkuqi Wancho Wara
    Warang_Citi Wcho Xpeo Xsux Yezi Yezidi Yi Yiii Zanabazar_Square Zanb Zinh Zyyy Zzzz
";

/// Binary properties.
const BINARY: &str = "
    AHex ASCII ASCII_Hex_Digit Alpha Alphabetic Any Assigned Bidi_C Bidi_Control Bidi_M Bidi_Mirrored CI CWCF CWCM
    CWKCF CWL CWT CWU Case_Ignorable Cased Changes_When_Casefolded Changes_When_Casemapped Changes_When_Lowercased
    Changes_When_NFKC_Casefolded Changes_When_Titlecased Changes_When_Uppercased DI Dash
    Default_Ignorable_Code_Point Dep Deprecated Dia Diacritic EBase EComp EMod EPres Emoji Emoji_Component
    Emoji_Modifier Emoji_Modifier_Base Emoji_Presentation Ext ExtPict Extended_Pictographic Extender Gr_Base Gr_Ext
    Grapheme_Base Grapheme_Extend Hex Hex_Digit IDC IDS IDSB IDST IDS_Binary_Operator IDS_Trinary_Operator
    ID_Continue ID_Start Ideo Ideographic Join_C Join_Control LOE Logical_Order_Exception Lower Lowercase Math NChar
    Noncharacter_Code_Point Pat_Syn Pat_WS Pattern_Syntax Pattern_White_Space QMark Quotation_Mark RI Radical
    Regional_Indicator SD STerm Sentence_Terminal Soft_Dotted Term Terminal_Punctuation UIdeo Unified_Ideograph
    Upper Uppercase VS Variation_Selector White_Space XIDC XIDS XID_Continue XID_Start space
";

fn is_in(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|it| it == name)
}

/// Returns whether ECMA-262 has a property: `Lu`, `Alphabetic`, `Script=Greek`.
pub fn named(property: &str) -> bool {
    match property.split_once('=') {
        Some(("General_Category" | "gc", value)) => is_in(CATEGORIES, value),
        Some(("Script" | "sc" | "Script_Extensions" | "scx", value)) => is_in(SCRIPTS, value),
        Some(_) => false,
        None => is_in(CATEGORIES, property) || is_in(BINARY, property),
    }
}

/// A cache of tables, bounded by the number of names.
static TABLES: LazyLock<Mutex<HashMap<String, Option<Set>>>> = LazyLock::new(Mutex::default);

/// Returns the characters with a property that [`named`] accepts, or `None` if there is no table.
pub fn property(property: &str) -> Option<Set> {
    let known = TABLES.lock().unwrap_or_else(PoisonError::into_inner).get(property).cloned();
    known.unwrap_or_else(|| {
        let set = table(property);
        TABLES.lock().unwrap_or_else(PoisonError::into_inner).insert(property.to_string(), set.clone());
        set
    })
}

/// A superset of the characters that have case variants.
static CASED: LazyLock<Set> = LazyLock::new(|| {
    let mut cased = table("Cased").expect("a table");
    for name in ["Changes_When_Casefolded", "Changes_When_Casemapped"] {
        cased.union(&table(name).expect("a table"));
    }
    cased
});

/// Adds the case variants of the characters of a set. Returns how many characters were looked up.
pub fn fold(set: &mut Set) -> usize {
    let mut cased = set.clone();
    // Looking up each of a million characters would be slow.
    if cased.ranges().len() > 1 || cased.ranges().first().is_some_and(|it| it.end() > it.start()) {
        cased.intersect(&CASED);
    }
    let count = cased.ranges().iter().map(|it| it.end() as usize - it.start() as usize + 1).sum();
    cased.case_fold_simple();
    set.union(&cased);
    count
}

fn table(property: &str) -> Option<Set> {
    let query = match property.split_once('=') {
        // No text contains a lone surrogate.
        Some(("General_Category" | "gc", "Cs" | "Surrogate")) => return Some(Set::empty()),
        Some((_, "Unknown" | "Zzzz")) => return Some(no_script()),
        Some(_) => property.to_string(),
        None if matches!(property, "Cs" | "Surrogate") => return Some(Set::empty()),
        None if property == "Any" => return Some(any()),
        None if is_in(CATEGORIES, property) => format!("gc={property}"),
        None => property.to_string(),
    };
    let parsed = regex_syntax::parse(&format!("\\p{{{query}}}")).ok()?;
    match parsed.into_kind() {
        HirKind::Class(Class::Unicode(set)) => Some(set),
        HirKind::Class(Class::Bytes(set)) => set.to_unicode_class(),
        // A set of one character parses as a literal.
        HirKind::Literal(literal) => {
            let only = std::str::from_utf8(&literal.0).ok()?.chars().next()?;
            Some(super::tree::set(&[(only, only)]))
        }
        _ => None,
    }
}

/// Returns the characters without a script.
fn no_script() -> Set {
    let mut all = Set::empty();
    for script in SCRIPTS.split_ascii_whitespace().filter(|it| !matches!(*it, "Unknown" | "Zzzz")) {
        if let Some(set) = table(&format!("sc={script}")) {
            all.union(&set);
        }
    }
    complement(all)
}

pub fn is_id_start(character: char) -> bool {
    static SET: LazyLock<Set> = LazyLock::new(|| table("ID_Start").expect("a table"));
    contains(&SET, character)
}

pub fn is_id_continue(character: char) -> bool {
    static SET: LazyLock<Set> = LazyLock::new(|| table("ID_Continue").expect("a table"));
    contains(&SET, character)
}

/// Lists all names; scripts come with both of their properties.
#[cfg(test)]
pub fn all() -> impl Iterator<Item = String> {
    let scripts = SCRIPTS.split_ascii_whitespace().flat_map(|it| [format!("sc={it}"), format!("scx={it}")]);
    let others = [CATEGORIES, BINARY].into_iter().flat_map(|list| list.split_ascii_whitespace().map(String::from));
    others.chain(scripts)
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn only_cased_characters_have_variants() {
        for character in ('\0'..=char::MAX).filter(|it| !contains(&CASED, *it)) {
            let alone = crate::transform::text::pattern::tree::set(&[(character, character)]);
            let mut folded = alone.clone();
            folded.case_fold_simple();
            assert_eq!(folded, alone, "{character:?}");
        }
    }
}
