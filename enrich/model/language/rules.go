package language

import (
	"strings"
	"unicode"
)

// Letters that one language of its script alone has, and letters that few have: both
// lists are those of lingua-go 1.4.0 (language.go, constant.go; Apache-2.0), with the letters
// of Hausa and Igbo, and with Ө and Ү, which Kazakh has beside Mongolian.
const alone = `az Əə;ca Ïï;cs ĚěŘřŮů;eo ĈĉĜĝĤĥĴĵŜŝŬŭ;de ß;ha ƁɓƊɗƘƙƳƴ;hu ŐőŰű;kk ӘәҒғҚқҢңҰұ;lv ĢģĶķĻļŅņ;lt ĖėĮįŲų;mk ЃѓЅѕЌќЏџ;` +
	`mr ळ;pl ŁłŃńŚśŹź;ro Țţ;sr ЂђЋћ;sk ĹĺĽľŔŕ;uk ҐґЄєЇї;` +
	`vi ẰằẦầẲẳẨẩẴẵẪẫẮắẤấẠạẶặẬậỀềẺẻỂểẼẽỄễẾếỆệỈỉĨĩƠơỒồỜờỎỏỔổỞởỖỗỠỡỐốỚớỘộỢợƯưỪừỦủỬửŨũỮữỨứỰựỲỳỶỷỸỹỴỵ;yo ŌōṢṣ`

const few = `kk mn ӨөҮү;ig vi ỊịỤụ;pt vi Ãã;lt pl ĄąĘę;pl ro Żż;fr ro Îî;eu es Ññ;cs sk ŇňŤť;ro vi Ăă;az tr İıĞğ;mk sr ЈјЉљЊњ;vi yo Ẹẹ;ig vi yo Ọọ;` +
	`is tr ÐðÞþ;fr hu Ûû;mi yo Ōō;lv mi yo ĀāĒēĪī;az ro tr Şş;cs ro sk Ďď;bs hr pl Ćć;bs hr vi Đđ;be kk uk Іі;` +
	`it vi yo Ìì;nb da nn Øø;lv lt mi yo Ūū;af sq nl fr Ëë;fr it vi yo ÈèÙù;af fr pt vi Êê;et hu pt vi Õõ;` +
	`fr pt sk vi Ôô;be kk mn ru ЁёЫыЭэ;bg kk mn ru ЩщЪъ;ca it vi yo Òò;nb da is nn Ææ;nb da nn sv Åå;cs is sk tr vi Ýý;` +
	`et fi de sk sv Ää;ca fr it pt vi Àà;fr pt ro tr vi Ââ;az ca et de hu es tr Üü;bs cs hr lv lt sk sl ČčŠšŽž;` +
	`sq az eu ca fr pt tr Çç;az et fi de hu is sv tr Öö;ca hu is ga pl pt sk es vi yo Óó;` +
	`ca cs is ga hu pt sk es vi yo ÁáÍíÚú;ca cs fr hu is ga it pt sk es vi yo Éé`

// rule is what a letter says beside its n-grams, as sets of lanes.
type rule struct {
	alone, few uint64
}

// rules are those of a group's letters, by code.
type rules [256]rule

func newRules(g *Group) *rules {
	r := &rules{}
	for i, letter := range g.Letters {
		r[i+1].alone = lanesOf(g, alone, letter)
		r[i+1].few = lanesOf(g, few, letter)
	}
	return r
}

// lanesOf are the lanes of the languages that a list names for a letter.
func lanesOf(g *Group, list string, letter rune) (lanes uint64) {
	for entry := range strings.SplitSeq(list, ";") {
		words := strings.Fields(entry)
		letters := words[len(words)-1]
		if !strings.ContainsRune(letters, letter) && !strings.ContainsRune(letters, unicode.ToUpper(letter)) {
			continue
		}
		for _, code := range words[:len(words)-1] {
			for lane, c := range g.Codes {
				if c == code {
					lanes |= 1 << lane
				}
			}
		}
	}
	return lanes
}
