// Package rules turns the queries of brands into rules of platforms that filter at their
// side, so that we read no more than we must, and never less.
//
// A rule is never narrower than its query: what a platform's language cannot say is left
// out of an AND (then more is read), and where a whole alternative cannot be said, the
// report names it as lost. Exclusions, distances and conditions on numbers are left out
// always: our own matcher applies them.
//
//   - rules.go      Derive: brands to rules and report
//   - translate.go  a query to an expression of a platform
//   - fit.go        expressions to rules within the platform's limits
//   - dialect.go    X and Reddit
package rules
