// Package enrich holds the stages that read posts: language, brands, sentiment. Each
// is one file and one pipeline.Enricher: pure, so that the same post under the same
// version gives the same result on any machine and in any replay, and safe for
// concurrent use. Language and brands are found for every post; the costlier stages
// look at mentions alone.
//
// To add a stage, write its file, give it a Version that changes with its results,
// and enter it in New.
package enrich
