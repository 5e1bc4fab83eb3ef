// Makes `data.txt`, once for each version of Unicode's emoji:
//
//     npm pack emojibase-data@17.0.0 && tar xzf emojibase-data-17.0.0.tgz
//     node make.mjs package > data.txt
//
// The names and words are those of Unicode's CLDR as emojibase puts them together; LICENSE has the notices of both.
//
// One line for each group of Unicode: `#`, its names in English and in Korean. Below it one line for each emoji, in
// Unicode's order: the emoji, its names in English and in Korean, and further words to find it by; tabs between them.
import { readFileSync } from "node:fs";

const folder = process.argv[2];
const read = (name) => JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"));
const [english, korean] = ["en/data", "ko/data"].map(read);
const byCode = new Map(korean.map((emoji) => [emoji.hexcode, emoji]));

/** Groups by Unicode's numbers; 2 has skin tones and hair, which are no emoji by themselves. */
const GROUPS = [
  [0, "Smileys and emotion", "표정과 감정"],
  [1, "People and body", "사람과 몸"],
  [3, "Animals and nature", "동물과 자연"],
  [4, "Food and drink", "음식과 음료"],
  [5, "Travel and places", "여행과 장소"],
  [6, "Activities", "활동"],
  [7, "Objects", "사물"],
  [8, "Symbols", "기호"],
  [9, "Flags", "깃발"],
];

/** As the server spells it: without the mark that makes a picture, where it is one anyway. */
const spelled = ({ emoji, type }) => (type === 1 && [...emoji].length === 2 ? emoji.replace("\u{fe0f}", "") : emoji);

/** Without accents, which are on few keyboards. */
const folded = (word) => word.normalize("NFD").replace(/\p{Script=Latin}\p{M}+/gu, (letter) => letter[0]).normalize("NFC");
const words = (text) => text.normalize("NFC").toLowerCase().split(/\s+/);

/** Words to find the emoji by, besides those that another one begins with. */
function further(names, tags) {
  const named = names.flatMap((name) => words(name.replace(/[^\p{L}\p{N}]+/gu, " ")));
  const found = [...new Set([...tags.flatMap(words), ...named].flatMap((word) => [word, folded(word)]))];
  const begins = (word) => (other) => other !== word && other.startsWith(word);
  return found.filter((word) => !named.some((other) => other.startsWith(word)) && !found.some(begins(word)));
}

function line(emoji) {
  const other = byCode.get(emoji.hexcode);
  const names = [emoji.label, other.label].map((name) => name.normalize("NFC"));
  const tags = [...emoji.tags, ...other.tags, ...[emoji.emoticon ?? []].flat()];
  return [spelled(emoji), ...names, further(names, tags).join(" ")].join("\t");
}

for (const [number, ...names] of GROUPS) {
  console.log(["#", ...names].join("\t"));
  const those = english.filter(({ group }) => group === number).sort((a, b) => a.order - b.order);
  those.forEach((emoji) => console.log(line(emoji)));
}
