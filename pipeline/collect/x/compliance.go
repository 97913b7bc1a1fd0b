package x

import (
	"encoding/json"
	"strconv"

	"earshot/pipeline"
)

type complianceStream struct{ path, origin string }

// complianceStreams are the four partitions of posts and of accounts each.
func complianceStreams() []complianceStream {
	var all []complianceStream
	for n := 1; n <= 4; n++ {
		part := "?partition=" + strconv.Itoa(n)
		all = append(all, complianceStream{"/2/tweets/compliance/stream" + part, "compliance of posts"},
			complianceStream{"/2/users/compliance/stream" + part, "compliance of accounts"})
	}
	return all
}

// complied are the deletes of a compliance event. What a user or X may undo (protect,
// suspend, withheld) deletes nothing; a drop does, since it asks to remove from view.
func complied(line []byte) []pipeline.Post {
	type about struct {
		Post struct {
			ID string `json:"id"`
		} `json:"tweet"`
		User struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	var e struct {
		Data struct {
			Delete     about `json:"delete"`
			Drop       about `json:"drop"`
			UserDelete about `json:"user_delete"`
		} `json:"data"`
	}
	if json.Unmarshal(line, &e) != nil { // of the future, or an error message: no delete
		return nil
	}
	var out []pipeline.Post
	for _, id := range []string{e.Data.Delete.Post.ID, e.Data.Drop.Post.ID} {
		if id != "" {
			out = append(out, deleted(id))
		}
	}
	if id := e.Data.UserDelete.User.ID; id != "" {
		out = append(out, pipeline.Post{Platform: platform, ID: id, Op: pipeline.OpDelete, Scope: pipeline.ScopeAccount, Author: pipeline.Author{ID: id}})
	}
	return out
}
