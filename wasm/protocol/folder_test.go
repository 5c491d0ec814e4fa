package protocol

import "testing"

func TestFolderURL(t *testing.T) {
	for address, want := range map[string]string{
		"http://localhost:8080/models/default":              "http://localhost:8080/models/default/",
		"https://models.example/a/b/?sig=x%2By&exp=7":       "https://models.example/a/b/?sig=x%2By&exp=7",
		"https://huggingface.co/org/name":                   "https://huggingface.co/org/name/resolve/main/",
		"https://huggingface.co/org/name/":                  "https://huggingface.co/org/name/resolve/main/",
		"https://huggingface.co/org/name/tree/v2":           "https://huggingface.co/org/name/resolve/v2/",
		"https://huggingface.co/org/name/resolve/main/":     "https://huggingface.co/org/name/resolve/main/",
		"https://huggingface.co/org/name/resolve/main/4bit": "https://huggingface.co/org/name/resolve/main/4bit/",
		"https://models.example#about":                      "https://models.example/",
		"ftp://models.example/a":                            "",
		"models/default":                                    "",
		"javascript:alert(1)":                               "",
		"https://":                                          "",
		"http://[::1":                                       "",
	} {
		got, err := FolderURL(address)
		if want == "" {
			if err == nil || CodeOf(err) != CodeBadRequest {
				t.Errorf("%s: %v, %v, want it refused", address, got, err)
			}
		} else if err != nil || got.String() != want {
			t.Errorf("%s: %v, %v, want %s", address, got, err, want)
		}
	}
}
