//! Korean. Names are followed by 님 and never directly by a particle whose form would depend on them.

use madang_protocol::RefusalCode;

use super::{Day, Strings, named};

const WEEKDAYS: [&str; 7] = ["일요일", "월요일", "화요일", "수요일", "목요일", "금요일", "토요일"];

pub(super) static KO: Strings = Strings {
    skip_to_composer: "메시지 입력으로 건너뛰기",
    description: "마당: 모여서 이야기하는 곳.",
    rooms: "방",
    unread: |count| {
        if count >= 1000 {
            format!("읽지 않은 메시지 {count}개 이상")
        } else {
            format!("읽지 않은 메시지 {count}개")
        }
    },
    open_room: "방 만들기",
    room_title: "방 이름",
    room_title_example: "주말 산행",
    open: "만들기",
    close: "닫기",
    cancel: "취소",
    lobby: "로비",
    here: "지금 함께 있는 사람",
    here_count: |count| format!("{count}명"),
    more_people: |count| format!("외 {count}명"),
    nobody: "지금은 다른 사람이 없어요.",
    you: "나",
    guest: |tag| format!("손님 {tag}"),
    keeper: "마당지기",
    alike: "비슷해 보이는 이름이 또 있어요. 이 글자는 이 사람 아이디의 끝부분이에요.",
    bot: "봇",
    bot_title: "사람이 아니라 프로그램이에요",
    typing: |names| match names {
        [] => String::new(),
        [one] => format!("{one} 님이 입력하고 있어요…"),
        [one, two] => format!("{one} 님과 {two} 님이 입력하고 있어요…"),
        _ => "여러 명이 입력하고 있어요…".to_owned(),
    },
    messages: |room| format!("{room} 메시지"),
    today: "오늘",
    yesterday: "어제",
    day: |Day { year, month, day, weekday, this_year }| {
        let weekday = named(&WEEKDAYS, weekday);
        if this_year {
            format!("{month}월 {day}일 {weekday}")
        } else {
            format!("{year}년 {month}월 {day}일 {weekday}")
        }
    },
    new: "여기부터 새 메시지",
    older: "이전 메시지",
    newer: "이후 메시지",
    loading: "불러오는 중…",
    beginning: "이 방의 첫 이야기가 여기서 시작됐어요.",
    empty_title: "아직 조용한 마당이에요",
    empty_text: "대문은 활짝 열려 있어요. 첫마디를 건네 보세요.",
    gone_title: "없는 방이에요",
    gone_text: "주소가 잘못됐거나, 닫혔거나, 다른 마당에 있는 방일 수 있어요.",
    closed: "이 방은 닫혔어요. 나가기 전까지는 나눈 이야기를 읽을 수 있어요.",
    to_lobby: "로비로 가기",
    latest: "최신 메시지로",
    fresh: |count| format!("새 메시지 {count}개"),
    edited: "수정됨",
    show_all: "모두 보기",
    show_less: "접기",
    deleted: "삭제된 메시지예요.",
    pending: "보내는 중…",
    failed: "보내지 못했어요.",
    retry: "다시 보내기",
    discard: "지우기",
    actions: "이 메시지로 할 일",
    react: "반응 달기",
    more_emoji: "이모지 더 보기",
    reply: "답장",
    edit: "수정",
    copy_link: "링크 복사",
    link_copied: "링크를 복사했어요",
    part_missing: "불러오지 못했어요. 페이지를 새로 고치면 쓸 수 있고, 쓰던 글은 그대로 남아 있어요.",
    delete: "삭제",
    delete_question: "메시지를 삭제할까요?",
    delete_text: "모두에게서 사라지고 되돌릴 수 없어요.",
    replying_to: |name| format!("{name} 님에게 답장"),
    reply_unknown: "이전 메시지",
    edit_label: "메시지 수정",
    edit_hint: "Esc로 취소, Enter로 저장",
    save: "저장",
    composer: |room| format!("{room} 방에 보낼 메시지"),
    placeholder: "메시지를 입력하세요",
    send: "보내기",
    chars_left: |left| if left >= 0 { format!("{left}자 남음") } else { format!("{}자 초과", -left) },
    newcomer: |name| {
        format!(
            "반가워요! 지금은 ‘{name}’ 이름으로 함께하고 있어요. 바로 이야기해도 되고, 이름부터 정해도 좋아요."
        )
    },
    choose_name: "이름 정하기",
    settings: "설정",
    nickname: "별명",
    nickname_hint: "이곳에서 불릴 이름이에요. 40자까지 쓸 수 있어요.",
    saved: "저장했어요",
    language: "언어",
    theme: "화면 모드",
    automatic: "자동",
    light: "밝게",
    dark: "어둡게",
    enter: "Enter 키",
    enter_sends: "보내기",
    enter_breaks: "줄 바꾸기",
    enter_hint: "자동: 보내기로 쓰고, 터치 화면에서는 줄을 바꿔요. Ctrl+Enter는 늘 보내고, Shift+Enter는 늘 줄을 바꿔요.",
    apply: "적용",
    connecting: "연결하는 중…",
    offline: "인터넷이 끊겼어요. 계속 쓰셔도 돼요. 저장해 두었다가 연결되면 바로 보낼게요.",
    lost: "서버와 연결이 끊겼어요. 계속 쓰셔도 돼요. 저장해 두었다가 연결되면 바로 보낼게요.",
    ended: "서버가 연결을 종료했어요.",
    banned: "이 서버를 이용할 수 없어요. 쓰던 글은 그대로 있어요.",
    over_limit: "이 네트워크에서 연결이 너무 많아요. 다른 탭을 닫아 주세요.",
    retry_in: |seconds| format!("{seconds}초 뒤에 다시 연결해요."),
    retry_now: "지금 연결",
    waiting: |count| format!("보낼 메시지 {count}개가 기다리고 있어요."),
    unreachable: "서버에 연결하지 못했어요. 다시 시도해 주세요.",
    dismiss: "닫기",
    refused: |code| match code {
        // It sends no headers.
        RefusalCode::BadFrame | RefusalCode::UnknownType | RefusalCode::BadHeaders => {
            "서버가 이 페이지를 이해하지 못했어요. 새로고침해 주세요."
        }
        RefusalCode::UnknownRoom => "없는 방이에요.",
        RefusalCode::UnknownMessage => "이 메시지는 더 이상 없어요.",
        RefusalCode::NotYours => "쓴 사람만 고치거나 지울 수 있어요.",
        RefusalCode::Empty => "내용을 입력해 주세요.",
        RefusalCode::TooLong => "너무 길어요. 조금 줄여 주세요.",
        RefusalCode::NameReserved => "서버나 손님만 쓰는 이름이에요. 다른 이름을 골라 주세요.",
        RefusalCode::TooFast => "너무 빨라요. 잠시 후에 다시 시도해 주세요.",
        RefusalCode::TooManyRooms => "한 페이지에서 볼 수 있는 방을 모두 쓰고 있어요.",
        RefusalCode::StorageUnavailable => {
            "지금은 서버가 메시지를 저장하지 못해요. 잠시 후에 다시 시도해 주세요."
        }
        RefusalCode::UnknownLogin => "로그인이 더 이상 유효하지 않아요. 새로고침해 주세요.",
        RefusalCode::NotAllowed => "이 일은 할 수 없어요.",
        RefusalCode::UnusableCursor => "서버의 기록이 바뀌었어요. 새로고침해 주세요.",
        RefusalCode::RoomsTooFast => "지금은 방을 더 만들 수 없어요.",
        RefusalCode::Banned => "이 서버를 이용할 수 없어요.",
        RefusalCode::TooManyReactions => "이 메시지에는 반응을 더 달 수 없어요.",
        // The server has a sentence; the page offers no other emoji.
        RefusalCode::BadEmoji | RefusalCode::Unknown => "",
    },
};
