package query

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOutline(t *testing.T) {
	q, err := Parse(`(Café OR title:"Acme Cloud"~3) NOT #pear AND followers:>5`)
	require.NoError(t, err)
	all := q.Outline()
	require.Equal(t, OutlineAll, all.Op)
	o, number := all.Kids[0], all.Kids[1]
	require.Equal(t, OutlineExcept, o.Op)
	either := o.Kids[0]
	assert.Equal(t, OutlineCondition, number.Op)
	assert.Equal(t, "followers", number.Field)
	require.Equal(t, OutlineAny, either.Op)
	assert.Equal(t, []string{"cafe"}, either.Kids[0].Words)
	assert.Equal(t, []string{"café"}, either.Kids[0].Spelled)
	window := either.Kids[1]
	assert.True(t, window.Kids[0].Title)
	assert.Equal(t, []string{"cloud"}, window.Kids[1].Words)
	assert.Equal(t, []string{"#pear"}, o.Kids[1].Words)
	var none *Query
	assert.Nil(t, none.Outline())
}
