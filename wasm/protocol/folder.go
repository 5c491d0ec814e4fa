package protocol

import (
	"fmt"
	"net/url"
	"strings"
)

// FolderURL reads the address of a model folder on a web server. A model's page
// on the hub stands for its files, on the branch that it shows. What a link
// carries behind its question mark, such as a signature, goes along to every
// file.
func FolderURL(address string) (*url.URL, error) {
	base, err := url.Parse(address)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, Fault(CodeBadRequest, fmt.Errorf("load: url is %.200q, want an http or https address of a model folder", address))
	}
	base.Fragment = ""
	if base.Host == "huggingface.co" {
		switch parts := strings.Split(strings.Trim(base.Path, "/"), "/"); {
		case len(parts) == 2:
			base.Path += "/resolve/main/"
		case len(parts) == 4 && parts[2] == "tree":
			base.Path = strings.Join([]string{"", parts[0], parts[1], "resolve", parts[3], ""}, "/")
		}
	}
	if !strings.HasSuffix(base.Path, "/") {
		base.Path += "/"
	}
	base.Path = strings.ReplaceAll(base.Path, "//", "/")
	base.RawPath = ""
	return base, nil
}
