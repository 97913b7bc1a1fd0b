// Package web draws the boards' own files in a browser, on a loopback port, for the first
// look: it asks what each panel asks and shows the answer. Grafana is the real thing.
//
// Analysts try queries of brands on the archive on a page of its own (Editor); whoever writes
// there has to know a token.
//
// It runs the SQL of board files alone, as a user that may only read; no text of a request ever
// becomes SQL but as a quoted value. Nothing is fetched from elsewhere: the chart library (Apache
// ECharts, Apache-2.0) lies in static.
package web
