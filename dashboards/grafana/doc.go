// Package grafana brings the boards into a Grafana and keeps them up to date: data source,
// folder, boards, alert rules, a contact point and the route to it. Applying twice changes nothing; what
// people changed in Grafana stays unless they say otherwise.
//
// It talks through grafana-api-golang-client, which is archived: client.go alone knows it, so
// that its heir, grafana-openapi-client-go, can take its place there.
package grafana
