// Package namesake tells a brand from its namesakes by the words around the name: Target
// the shop from a target, Milan the club from the city. A model is learnt from posts that
// the analyst marked yes or no, is small enough to be read, and is stored as JSON in the
// brand's configuration folder. A query asks for its score: target AND context:>0.7.
//
// It is a leaf: it imports package pipeline alone. Package query knows only a function
// (query.Brand.Context), and app hands in Model.Score and Model.Version.
//
//	features.go  what a model sees of a post
//	learn.go     regularised logistic regression, and its cross-validation
//	model.go     the model, its score and its file
package namesake
