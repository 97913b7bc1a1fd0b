// Package language holds the knowledge of languages: which letters belong to which
// script, and how much an n-gram of letters speaks against each language of a script,
// in tables that the generator in gen derives from the statistics of lingua-go.
package language

//go:generate go run ./gen tables.zst

// Version changes with the answers of the package.
const Version = "2"
