package model

import _ "embed"

//go:embed language.md
var languageCard string

//go:embed language.json
var languageFigures string

// LanguageCard is the model card of the language tables, as Markdown.
func LanguageCard() string { return languageCard }

// LanguageFigures is what the model card tells, as JSON: scores, confusion matrices and
// calibration curves.
func LanguageFigures() string { return languageFigures }
