"""Next-token cross entropy without ever holding the logits of a whole batch."""
import torch

CHUNK = 16384  # rows of logits alive at once


def _rows(logits, targets, weights):
    """Summed weighted loss of some rows and its gradient in the logits' type."""
    exact = logits.float()
    log_sum = torch.logsumexp(exact, -1, keepdim=True)
    picked = exact.gather(1, targets.unsqueeze(1))
    loss = ((log_sum - picked).squeeze(1) * weights).sum()
    columns = torch.arange(logits.shape[1], device=logits.device)
    hit = (columns == targets.unsqueeze(1)).float()
    gradient = (torch.exp(exact - log_sum) - hit) * weights.unsqueeze(1)
    return loss, gradient.to(logits.dtype)


class _Loss(torch.autograd.Function):
    """The gradient is made with the loss, chunk by chunk, so the logits are computed once and dropped at once."""

    @staticmethod
    def forward(ctx, hidden, head, targets, weights, rows):
        kind = torch.bfloat16 if hidden.is_cuda else hidden.dtype
        flat, matrix = hidden.reshape(-1, hidden.shape[-1]), head.to(kind)
        targets, weights = targets.reshape(-1), weights.reshape(-1)
        dhidden, dhead = torch.empty_like(flat), torch.zeros_like(head)
        total = flat.new_zeros(())
        for start in range(0, flat.shape[0], CHUNK):
            some = slice(start, start + CHUNK)
            part = flat[some].to(kind)
            loss, dlogits = rows(part @ matrix.t(), targets[some], weights[some])
            total += loss
            dhidden[some] = dlogits @ matrix
            dhead += dlogits.t() @ part
        ctx.save_for_backward(dhidden.view_as(hidden), dhead)
        return total

    @staticmethod
    def backward(ctx, scale):
        dhidden, dhead = ctx.saved_tensors
        return dhidden * scale, dhead * scale, None, None, None


def cross_entropy(hidden, head, targets, weights, rows=_rows):
    """Sum over weights * -log softmax(hidden @ head.T)[targets]: a mean where the weights sum to 1.

    hidden [batch, T, d], head [vocab, d], targets int64 [batch, T], weights fp32 [batch, T] (0: not learned).
    rows may be a compiled `loss.rows`.
    """
    return _Loss.apply(hidden, head, targets, weights, rows)


rows = _rows
