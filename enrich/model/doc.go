// Package model holds what the stages learned or were given: embedded data, loaded
// once at construction and never changed, each with its origin in NOTICE.
package model
