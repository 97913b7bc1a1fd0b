// Package measure holds what the language tables are tuned and measured with: the labelled
// texts, the reports, the model card. The running program does not need it.
package measure
