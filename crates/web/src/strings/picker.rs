//! Words of the emoji picker: apart from the others, because they are loaded with it.

use madang_client::Locale;

/// See [`super::Strings`].
#[derive(Debug)]
pub(crate) struct PickerStrings {
    pub(crate) title: &'static str,
    pub(crate) search: &'static str,
    pub(crate) groups: &'static str,
    pub(crate) recent: &'static str,
    pub(crate) results: &'static str,
    pub(crate) nothing: &'static str,
    pub(crate) found: fn(usize) -> String,
}

static EN: PickerStrings = PickerStrings {
    title: "Choose an emoji",
    search: "Search emoji",
    groups: "Groups of emoji",
    recent: "Recently used",
    results: "Search results",
    nothing: "No emoji found. Try another word, in English or Korean.",
    found: |count| format!("{count} emoji found"),
};

static KO: PickerStrings = PickerStrings {
    title: "이모지 고르기",
    search: "이모지 검색",
    groups: "이모지 종류",
    recent: "최근에 쓴 이모지",
    results: "검색 결과",
    nothing: "찾은 이모지가 없어요. 한국어나 영어로 다른 말을 입력해 보세요.",
    found: |count| format!("이모지 {count}개를 찾았어요"),
};

/// The picker's words for `locale`.
pub(crate) fn picker_strings(locale: Locale) -> &'static PickerStrings {
    match locale {
        Locale::En => &EN,
        Locale::Ko => &KO,
    }
}
