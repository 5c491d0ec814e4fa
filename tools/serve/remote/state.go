package remote

import (
	"context"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model"
)
