// Package collecttest holds sources to their contract: one suite for all of them, and a
// broker in memory that fails on request. It is used by tests only.
package collecttest
