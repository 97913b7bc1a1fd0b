// Package dashboards holds the boards that brand teams live in, as Grafana's JSON, and all that
// is done with them: linting, bringing them into a Grafana, writing them for its own file
// provisioning, and drawing the same files in a small web view.
//
// The boards are data: change a board's JSON, run the tests. Measures are not defined here but
// as views in schemas, so that a researcher and a board ask the same thing.
package dashboards
