package query

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"earshot/pipeline"
)

// TestWildcards holds * and ? against texts, also of scripts without spaces, where a
// character is a word.
func TestWildcards(t *testing.T) {
	for _, c := range []struct {
		query   string
		yes, no []string
	}{
		{"acm*", []string{"acm", "Acme", "ACMEs", "#acmecloud", "@acme_help", "äcme"}, []string{"ac", "pacm", "a c m e"}},
		{"organi?ation", []string{"organisation", "OrganiZation", "#organization"}, []string{"organiation", "organizations", "organi sation"}},
		{"c?oud", []string{"cloud", "c😀oud cloud"}, []string{"coud", "clloud"}},
		{"#acm*", []string{"#acme", "#acm"}, []string{"acme", "@acme"}},
		{`"acme clou*"`, []string{"Acme Clouds", "acme-clou"}, []string{"acme big cloud", "clouds acme"}},
		{"索尼*", []string{"索尼", "索尼手机很好", "我爱索尼！", "#索尼手机#"}, []string{"索", "索 尼", "尼索"}},
		{"索?手", []string{"索尼手机", "索爱手"}, []string{"索手", "索尼爱手", "索尼 手"}},
		{"索尼?", []string{"索尼手", "我爱索尼机。"}, []string{"索尼", "索尼。"}},
		{"ソニ*", []string{"ソニーの新製品", "ソニ", "ｿﾆｰ"}, []string{"ソ", "ニソ"}},
		{"โซ*", []string{"ผมชอบโซนี่มาก", "โซ"}, []string{"โ ซ", "ซโ"}},
		{"โ?นี่", []string{"โซนี่"}, []string{"โนี่"}},
		{"삼성전*", []string{"삼성전", "삼성전자는"}, []string{"삼성"}},
		{"son?手机", []string{"sony手机", "SONI手机"}, []string{"son手机", "sony 手 机"}},
	} {
		q, err := Parse(c.query)
		require.NoError(t, err, c.query)
		e, err := Compile([]Brand{{Name: "a", Query: q}})
		require.NoError(t, err)
		m := e.NewMatcher()
		for _, text := range c.yes {
			assert.Len(t, m.Match(record(pipeline.Post{Text: text})), 1, "%s should match %q", c.query, text)
		}
		for _, text := range c.no {
			assert.Empty(t, m.Match(record(pipeline.Post{Text: text})), "%s should not match %q", c.query, text)
		}
	}
	for _, source := range []string{"索*", "ソ*", "โ*", "ac*", "삼성*", "#索*", "索*尼", "＊索", "?尼", "a?", "*", "?", "acm*e"} {
		_, err := Parse(source)
		var mistake *Error
		assert.ErrorAs(t, err, &mistake, source)
	}
}
