//! Links as they stand in messages.

use super::Piece::{Link, Text};
use super::*;

fn links(body: &str) -> Vec<&str> {
    pieces(body)
        .into_iter()
        .filter_map(|piece| if let Link(link) = piece { Some(link) } else { None })
        .collect()
}

#[test]
fn text_without_a_link_is_one_piece() {
    assert_eq!(pieces("안녕 http 세상\nhttps: //"), [Text("안녕 http 세상\nhttps: //")]);
    assert_eq!(pieces(""), []);
}

#[test]
fn a_link_stands_between_its_texts() {
    assert_eq!(pieces("see https://a.kr/b ok"), [Text("see "), Link("https://a.kr/b"), Text(" ok")]);
    assert_eq!(pieces("https://a.kr\nhttp://b.kr"), [Link("https://a.kr"), Text("\n"), Link("http://b.kr")]);
}

#[test]
fn only_http_and_https_become_links() {
    for body in
        ["javascript:alert(1)", "data:text/html,x", "ftp://a.kr", "xhttps://a.kr", "https://", "http://?q"]
    {
        assert_eq!(links(body), Vec::<&str>::new(), "{body}");
    }
    assert_eq!(links("HTTPS://A.kr"), ["HTTPS://A.kr"]);
}

#[test]
fn the_sentence_around_a_link_stays_outside() {
    for (body, link) in [
        ("(https://a.kr/b)", "https://a.kr/b"),
        ("https://a.kr/b.", "https://a.kr/b"),
        ("https://a.kr/b?!…", "https://a.kr/b"),
        ("<https://a.kr/b>", "https://a.kr/b"),
        ("\"https://a.kr\", said", "https://a.kr"),
        ("https://ko.wikipedia.org/wiki/A_(b)", "https://ko.wikipedia.org/wiki/A_(b)"),
        ("https://a.kr/b?c=d&e=f#g", "https://a.kr/b?c=d&e=f#g"),
        ("https://a.kr:8080/", "https://a.kr:8080/"),
        ("http://[::1]:3000/r/lobby", "http://[::1]:3000/r/lobby"),
    ] {
        assert_eq!(links(body), [link], "{body}");
    }
}

#[test]
fn korean_particles_stay_outside_and_korean_words_inside() {
    for (body, link) in [
        ("https://a.kr에서 봐요", "https://a.kr"),
        ("https://a.kr/b를 보세요", "https://a.kr/b"),
        ("https://a.kr/b에서는 안 돼요", "https://a.kr/b"),
        ("https://a.kr/b입니다.", "https://a.kr/b"),
        ("「https://a.kr/b」", "https://a.kr/b"),
        ("https://ko.wikipedia.org/wiki/마당", "https://ko.wikipedia.org/wiki/마당"),
        ("https://ko.wikipedia.org/wiki/한국어의", "https://ko.wikipedia.org/wiki/한국어의"),
        ("https://한글.kr/길", "https://한글.kr/길"),
        ("https://한국.한국 좋아요", "https://한국.한국"),
    ] {
        assert_eq!(links(body), [link], "{body}");
    }
}

#[test]
fn joined_pieces_are_the_body_again() {
    for body in ["a https://b.kr를 https://", "hhttp://http://x.kr)", "http://a.http://b", "끝 https://a.kr…"]
    {
        let joined: String = pieces(body)
            .iter()
            .map(|piece| match piece {
                Text(text) | Link(text) => *text,
            })
            .collect();
        assert_eq!(joined, body);
    }
}

#[test]
fn direction_controls_end_a_link() {
    assert_eq!(links("https://a.kr/\u{202e}gpj.exe"), ["https://a.kr/"]);
}

#[test]
fn other_scripts_punctuation_ends_a_link() {
    for stop in "。、，）」』】》〉！？：；…“”‘’«»،؟۔।॥።។‥‼⁇＂＇（「｡､～".chars()
    {
        let body = format!("https://a.kr/b{stop}c");
        assert_eq!(links(&body), ["https://a.kr/b"], "{body}");
        let body = format!("https://a.kr{stop}");
        assert_eq!(links(&body), ["https://a.kr"], "{body}");
    }
}

#[test]
fn brackets_belong_to_whom_they_were_opened_by() {
    for (body, link) in [
        ("(https://a.kr/b)를", "https://a.kr/b"),
        ("（https://a.kr/b）", "https://a.kr/b"),
        ("[글](https://a.kr/b)입니다", "https://a.kr/b"),
        ("https://a.kr/b(see there)", "https://a.kr/b"),
        ("https://a.kr(로그인 필요)", "https://a.kr"),
        ("https://a.kr/b（참고）", "https://a.kr/b"),
        ("https://a.kr/A_(b)_(c))", "https://a.kr/A_(b)_(c)"),
        ("https://ko.wikipedia.org/wiki/마당_(동음이의)를", "https://ko.wikipedia.org/wiki/마당_(동음이의)"),
        (
            "https://ja.wikipedia.org/wiki/東京（曖昧さ回避）",
            "https://ja.wikipedia.org/wiki/東京（曖昧さ回避）",
        ),
        ("【https://a.kr/b】", "https://a.kr/b"),
        ("https://a.kr/b?x[]=1&y[0]=2]", "https://a.kr/b?x[]=1&y[0]=2"),
    ] {
        assert_eq!(links(body), [link], "{body}");
    }
}

#[test]
fn a_second_scheme_begins_a_new_link() {
    assert_eq!(links("https://a.krhttps://b.kr"), ["https://a.kr", "https://b.kr"]);
    assert_eq!(links("https://a.kr/https://b.kr/"), ["https://a.kr/", "https://b.kr/"]);
    assert_eq!(links("https://a.kr/b,http://b.kr"), ["https://a.kr/b", "http://b.kr"]);
    assert_eq!(links("https://a.kr/bHTTP://b.kr"), ["https://a.kr/b", "HTTP://b.kr"]);
    for whole in ["https://a.kr/?u=https://b.kr", "https://web.archive.org/web/2020/https://b.kr/"] {
        assert_eq!(links(whole), [whole]);
    }
}

#[test]
fn particles_in_a_row_stay_outside() {
    for particles in [
        "에서의",
        "으로도",
        "까지만이라도",
        "에게서는",
        "이라고",
        "에서부터",
        "까지의",
        "만으로도",
        "로부터의",
        "에서까지도",
        "을",
        "를",
        "이",
        "가",
        "은",
        "는",
        "에",
        "의",
        "로",
        "와",
        "과",
        "도",
        "만",
        "이나",
        "이라도",
        "입니다",
        "이에요",
        "예요",
        "라는",
        "처럼",
        "보다는",
        "에서만",
        "부터",
        "까지",
        "한테서",
        "에서라도",
        "으로부터",
        "만이",
        "까지가",
        "에서입니다",
        "인데요",
        "만요",
        "뿐이라고",
        "마다",
        "조차도",
    ] {
        for url in [
            "https://a.kr/b",
            "https://a.kr/",
            "https://a.kr",
            "https://a.kr/%EC%9D",
            "https://a.kr/b?c=1",
            "https://a.kr/b?c=",
            "https://a.kr/A_(b)",
            "https://a.kr/b#c",
            "https://a.kr:8080",
            "https://a.kr/b-",
            "https://한글.kr",
        ] {
            let body = format!("{url}{particles} 봐요");
            assert_eq!(links(&body), [url.trim_end_matches('-')], "{body}");
        }
    }
    for (body, link) in [
        ("https://a.kr/b/에서 봐요", "https://a.kr/b/"),
        ("https://a.kr/b/를 봐요", "https://a.kr/b/"),
        ("https://a.kr/b.를", "https://a.kr/b"),
        ("https://a.krㅋㅋㅋ", "https://a.kr"),
        ("https://a.kr/bㅠㅠ", "https://a.kr/b"),
        ("https://ko.wikipedia.org/wiki/마당에서의 일", "https://ko.wikipedia.org/wiki/마당"),
        ("https://ko.wikipedia.org/wiki/마당을 봐요", "https://ko.wikipedia.org/wiki/마당"),
        ("https://ko.wikipedia.org/wiki/마당까지만이라도", "https://ko.wikipedia.org/wiki/마당"),
        ("https://한국.한국에서 봐요", "https://한국.한국"),
    ] {
        assert_eq!(links(body), [link], "{body}");
    }
}

#[test]
fn korean_words_in_a_path_stay_whole() {
    for word in [
        "마당",
        "도로",
        "가로",
        "나이",
        "의도",
        "로마",
        "이란",
        "가을",
        "마을",
        "노을",
        "이마",
        "은하",
        "만나",
        "어둠_속에서",
        "국가",
        "한국어의",
        "바다로",
        "길/이",
        "새해-인사",
        "아이",
        "라면",
        "지도",
        "학교/과",
    ] {
        let url = format!("https://ko.wikipedia.org/wiki/{word}");
        assert_eq!(links(&url), [&*url]);
    }
}

#[test]
fn hosts_end_where_their_name_does() {
    for (body, link) in [
        ("https://a.kr에서.보자", "https://a.kr"),
        ("https://k팝.kr에서", "https://k팝.kr"),
        ("https://www.k팝.kr/b", "https://www.k팝.kr/b"),
        ("http://localhost:3000에서", "http://localhost:3000"),
        ("https://a.jpを見て", "https://a.jp"),
        ("https://münchen.de/b", "https://münchen.de/b"),
        ("https://пример.рф/b", "https://пример.рф/b"),
        ("http://[::1]에서", "http://[::1]"),
    ] {
        assert_eq!(links(body), [link], "{body}");
    }
}

#[test]
fn a_user_is_not_shown_as_a_host() {
    let ascii = |_: &str| panic!("an ASCII host");
    for (link, seen) in [
        ("https://google.com@evil.example", "https://evil.example"),
        ("https://google.com:x@evil.example/a@b", "https://evil.example/a@b"),
        ("https://a@b@evil.example?c=@d", "https://evil.example?c=@d"),
        ("https://medium.com/@kim", "https://medium.com/@kim"),
        ("HTTPS://a.kr", "HTTPS://a.kr"),
    ] {
        assert_eq!(links(link), [link]);
        assert_eq!(shown(link, ascii).as_deref(), Some(seen), "{link}");
    }
}

#[test]
fn mixed_hosts_are_shown_in_ascii() {
    let ascii = |_: &str| Some("xn--x".to_owned());
    for host in [
        "аpple.com",
        "gооgle.com",
        "аррӏе.com",
        "comノlogin.evil.jp",
        "k팝.kr",
        "пример.com",
        "ｇoogle.com",
        "αlpha.gr",
    ] {
        assert_eq!(
            shown(&format!("https://{host}/길"), ascii).as_deref(),
            Some("https://xn--x/길"),
            "{host}"
        );
    }
    for host in ["한글.kr", "한국.한국", "münchen.de", "пример.рф", "日本語.jp", "ไทย.ไทย", "пример.рф:80"]
    {
        let link = format!("https://{host}/길");
        assert_eq!(shown(&link, ascii).as_deref(), Some(&*link), "{host}");
    }
    assert_eq!(shown("https://аpple.com", |_| None), None);
}

#[test]
fn no_piece_divides_what_is_read_as_one() {
    use unicode_segmentation::UnicodeSegmentation;
    let parts = [
        "https://",
        "http://",
        "a.kr",
        "/",
        "b",
        "마당",
        "에서",
        "까지",
        "을",
        ".",
        ",",
        "。",
        "(",
        ")",
        "（",
        "）",
        "@",
        "?",
        "=",
        "👨‍👩‍👧",
        "🇰🇷",
        "\u{301}",
        "\u{fe0f}",
        "\u{200d}",
        "\u{1112}",
        "\u{1161}",
        "\u{11ab}",
        " ",
        "\n",
        "에",
        "「",
        "」",
        "[",
        "]",
        "%EC",
        "#",
    ];
    let mut state = 7_u64;
    for _ in 0..20_000 {
        let mut body = String::new();
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            body.push_str(parts[(state >> 33) as usize % parts.len()]);
        }
        let clusters: Vec<usize> =
            body.grapheme_indices(true).map(|(at, _)| at).chain([body.len()]).collect();
        let mut at = 0;
        for piece in pieces(&body) {
            let (Text(text) | Link(text)) = piece;
            assert_eq!(body.get(at..at + text.len()), Some(text), "{body:?}");
            at += text.len();
            assert!(clusters.contains(&at), "{body:?} is divided at {at}");
        }
        assert_eq!(at, body.len(), "{body:?}");
    }
}
