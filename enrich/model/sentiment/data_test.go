package sentiment

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatIsMeasuredIsNotTrainedOn(t *testing.T) {
	row := func(text string) Row { return Row{Lang: "en", Source: "target", Text: text} }
	d := &Data{
		Train: []Row{row("I love @Acme! http://t.co/1"), row("I love Acme"), row("@you http://t.co/2"), row("Held: out"), row("other")},
		Val:   []Row{row("i LOVE… http"), row("@user http")},
		Held:  []Row{row("held out!!")},
	}
	d.forget()
	assert.Equal(t, []Row{row("I love Acme"), row("@you http://t.co/2"), row("other")}, d.Train,
		"links, handles, signs and case make no difference; a text of nothing else is no text")
}
