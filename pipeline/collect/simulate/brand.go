package simulate

import (
	"strings"
	"unicode"
)

// Brand is an invented brand, with the query that finds it.
type Brand struct {
	Name     string
	Query    string // words, phrases, @handle and #hashtag joined by OR
	Handle   string // its own account, without @
	Hashtag  string // without #
	Products []string
	Native   map[string]string // its name in other scripts, by language
	Rivals   []string
	Common   bool // also a common word, so that word search finds too much

	market float64 // weight among all brands
	mood   float64 // share of positive among positive and negative opinions
	drift  float64 // change of mood a year
	sector int     // brands of one sector are rivals
}

const (
	maxBrands = 500
	sectors   = 4
)

// seedBrand is one hand-made brand.
type seedBrand struct {
	name     string
	sector   int
	market   float64
	mood     float64
	products [2]string
	native   map[string]string
	common   bool
}

// handMade are the first brands of the market. All names are invented; "Thimble" and
// "Driftwood" are also words, so that a query for them finds too much.
func handMade() []seedBrand {
	return []seedBrand{
		{"Velmora", 0, 9, 0.66, [2]string{"Lumo Buds", "Lumo Pro"}, map[string]string{"ru": "Велмора", "uk": "Велмора", "ja": "ヴェルモラ", "zh": "维尔莫拉", "ar": "فيلمورا", "hi": "वेलमोरा", "ko": "벨모라", "th": "เวลโมรา"}, false},
		{"Zentriq", 0, 6, 0.55, [2]string{"Zent Fold", "Zent Air"}, map[string]string{"ru": "Зентрик", "uk": "Зентрік", "ja": "ゼントリク", "zh": "曾特里克", "ko": "젠트릭"}, false},
		{"Thimble", 1, 3, 0.6, [2]string{"Stitch Kit", "Stitch Mini"}, nil, true},
		{"Brunvale", 1, 5, 0.7, [2]string{"Vale Roast", "Cold Vale"}, map[string]string{"ja": "ブルンヴェイル", "zh": "布伦维尔"}, false},
		{"Quillon Air", 2, 4, 0.38, [2]string{"Quill Pass", "Sky Nap"}, map[string]string{"ar": "كويلون", "ja": "クイロン航空"}, false},
		{"Pakketo", 2, 4, 0.33, [2]string{"Pak Locker", "Same Sun"}, map[string]string{"ru": "Пакетто", "th": "แพกเกตโต"}, false},
		{"Mokkari", 1, 7, 0.62, [2]string{"Mokka Zero", "Mokka Gold"}, map[string]string{"ru": "Моккари", "uk": "Моккарі", "ja": "モッカリ", "zh": "莫卡里", "ko": "모카리", "hi": "मोक्कारी"}, false},
		{"Strivelo", 3, 5, 0.64, [2]string{"Strive Knit", "Strive Trail"}, map[string]string{"ar": "سترايفيلو", "zh": "斯特里维洛"}, false},
		{"Driftwood", 3, 2, 0.52, [2]string{"Drift Plus", "Drift Kids"}, nil, true},
		{"Oumeya", 3, 4, 0.58, [2]string{"Oume Serum", "Oume Tint"}, map[string]string{"ja": "オウメヤ", "zh": "欧梅雅", "ko": "오우메야", "th": "โอเมยา"}, false},
		{"Tavarish Bank", 2, 3, 0.42, [2]string{"Tava Card", "Tava Save"}, map[string]string{"ru": "Таварбанк", "uk": "Таварбанк"}, false},
		{"Fjordbyte", 0, 3, 0.57, [2]string{"Fjord Cam", "Fjord Hub"}, map[string]string{"ja": "フィヨルバイト", "hi": "फ्योर्डबाइट"}, false},
	}
}

// Brands returns the brands of a market, the first query language included, so that a
// demo can configure them. They depend on the names and their number alone.
func Brands(c Config) []Brand {
	made := handMade()
	byTag := map[string]seedBrand{}
	for _, s := range made {
		byTag[tagOf(s.name)] = s
	}
	names := c.BrandNames
	if len(names) == 0 {
		for i := range c.Brands {
			if i < len(made) {
				names = append(names, made[i].name)
			} else {
				names = append(names, inventName(i-len(made)))
			}
		}
	}
	brands := make([]Brand, len(names))
	for i, name := range names {
		s, known := byTag[tagOf(name)]
		if !known {
			s = inventBrand(name)
		}
		brands[i] = s.brand()
	}
	for i := range brands {
		for j := range brands {
			if i != j && brands[i].sector == brands[j].sector {
				brands[i].Rivals = append(brands[i].Rivals, brands[j].Name)
			}
		}
	}
	return brands
}

func (s seedBrand) brand() Brand {
	h := nameHash(s.name)
	tag := tagOf(s.name)
	b := Brand{
		Name: s.name, Handle: tag + "hq", Hashtag: tag, Products: s.products[:], Native: s.native,
		Common: s.common, market: s.market, mood: s.mood, sector: s.sector,
		drift: (unit(mix(h)) - 0.5) * 0.3,
	}
	terms := []string{quoted(s.name), "@" + b.Handle, "#" + b.Hashtag}
	for _, p := range s.products {
		terms = append(terms, quoted(p))
	}
	seen := map[string]bool{}
	for _, lang := range languageCodes() {
		if n := s.native[lang]; n != "" && !seen[n] {
			seen[n] = true
			terms = append(terms, quoted(n))
		}
	}
	b.Query = strings.Join(terms, " OR ")
	return b
}

// quoted makes a query term of a name: a word as it is, several as a phrase.
func quoted(name string) string {
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			return `"` + name + `"`
		}
	}
	return name
}

// inventBrand gives a name without a history one that follows from the name.
func inventBrand(name string) seedBrand {
	h := nameHash(name)
	first := strings.Fields(name)[0]
	return seedBrand{
		name: name, sector: int(h % sectors), market: 0.5 + 3*unit(mix(h+1)), mood: 0.35 + 0.4*unit(mix(h+2)),
		products: [2]string{first + " One", first + " Max"},
	}
}

// inventName spells the i-th brand after the hand-made ones: three syllables, each
// number another word.
func inventName(i int) string {
	first := []string{"Ba", "Cro", "Dru", "Fle", "Gla", "Ho", "Jo", "Kle", "Lo", "My"}
	middle := []string{"vin", "zar", "quo", "mel", "tri", "bex", "dul", "fen", "gor", "pil"}
	last := []string{"ax", "ori", "ent", "ulo", "ique"}
	i = (i*337 + 91) % maxBrands // 337 and 500 share no factor, so no two are alike
	return first[i%10] + middle[i/10%10] + last[i/100%5]
}

func nameHash(s string) uint64 {
	h := hash(uint64(len(s)))
	for _, b := range []byte(s) {
		h = hash(h, uint64(b))
	}
	return h
}

// tagOf is the name without what a hashtag cannot hold, lower case.
func tagOf(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}
