// Package detect finds what is unusual in what is said of brands, and makes of it
// incidents that are worth a phone call.
//
// Detector is the heart: pure, online and small, it reads one count of mentions after the
// other and never looks ahead. Watch adds the other kinds of one brand, Incidents folds
// kinds into one incident a surge, SeverityOf tells how severe it is. All of that is pure; Runner
// carries it beside the stream, on what Counts and Store hand it. Series and Score run the
// detector over plain files, Year over a simulated market. Package notify delivers.
//
// It imports no client library: whoever has counts hands them in.
package detect
