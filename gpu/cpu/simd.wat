;; The inner loops of package cpu in WebAssembly's 128-bit SIMD, on the memory of
;; the Go program that calls them. Addresses and strides are in bytes, counts in
;; values. Where a count must be a multiple of 4, Go computes the rest. Loads and
;; stores need no alignment.
;;
;; This file is the module with relaxed SIMD, whose multiply-add rounds once. The
;; module without it is made from the same text: assemble.mjs writes each
;; relaxed_madd out as a product and a sum.
(module
  (import "go" "mem" (memory 0))

  ;; ---- functions of four values ----

  ;; e^x, Cephes' expf: x = n ln 2 + r with |r| <= ln 2 / 2, a polynomial of e^r,
  ;; and n into the exponent. Beyond fp32's normal range it stays at its ends.
  (func $exp (param $x v128) (result v128)
    (local $n v128) (local $r v128) (local $p v128)
    (local.set $x (f32x4.max (f32x4.min (local.get $x) (v128.const f32x4 88.37 88.37 88.37 88.37))
                             (v128.const f32x4 -87.33 -87.33 -87.33 -87.33)))
    (local.set $n (f32x4.nearest (f32x4.mul (local.get $x)
      (v128.const f32x4 1.44269504088896341 1.44269504088896341 1.44269504088896341 1.44269504088896341))))
    ;; ln 2 in two parts, the first of so few bits that n times it is exact.
    (local.set $r (f32x4.relaxed_madd (local.get $n) (v128.const f32x4 -0.693359375 -0.693359375 -0.693359375 -0.693359375) (local.get $x)))
    (local.set $r (f32x4.relaxed_madd (local.get $n) (v128.const f32x4 2.12194440e-4 2.12194440e-4 2.12194440e-4 2.12194440e-4) (local.get $r)))
    (local.set $p (v128.const f32x4 1.9875691500e-4 1.9875691500e-4 1.9875691500e-4 1.9875691500e-4))
    (local.set $p (f32x4.relaxed_madd (local.get $p) (local.get $r) (v128.const f32x4 1.3981999507e-3 1.3981999507e-3 1.3981999507e-3 1.3981999507e-3)))
    (local.set $p (f32x4.relaxed_madd (local.get $p) (local.get $r) (v128.const f32x4 8.3334519073e-3 8.3334519073e-3 8.3334519073e-3 8.3334519073e-3)))
    (local.set $p (f32x4.relaxed_madd (local.get $p) (local.get $r) (v128.const f32x4 4.1665795894e-2 4.1665795894e-2 4.1665795894e-2 4.1665795894e-2)))
    (local.set $p (f32x4.relaxed_madd (local.get $p) (local.get $r) (v128.const f32x4 1.6666665459e-1 1.6666665459e-1 1.6666665459e-1 1.6666665459e-1)))
    (local.set $p (f32x4.relaxed_madd (local.get $p) (local.get $r) (v128.const f32x4 5.0000001201e-1 5.0000001201e-1 5.0000001201e-1 5.0000001201e-1)))
    (local.set $p (f32x4.relaxed_madd (local.get $p) (f32x4.mul (local.get $r) (local.get $r)) (local.get $r)))
    (f32x4.mul
      (f32x4.add (local.get $p) (v128.const f32x4 1 1 1 1))
      (i32x4.shl (i32x4.add (i32x4.trunc_sat_f32x4_s (local.get $n)) (v128.const i32x4 127 127 127 127)) (i32.const 23))))

  ;; v sigmoid(v)
  (func $silu (param $v v128) (result v128)
    (f32x4.div (local.get $v) (f32x4.add (v128.const f32x4 1 1 1 1) (call $exp (f32x4.neg (local.get $v))))))

  ;; The sum of the four.
  (func $sum (param $v v128) (result f32)
    (local.set $v (f32x4.add (local.get $v) (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $v) (local.get $v))))
    (f32.add (f32x4.extract_lane 0 (local.get $v)) (f32x4.extract_lane 1 (local.get $v))))

  ;; ---- element by element; n is a multiple of 4 ----

  ;; v = silu(v)
  (func (export "silu") (param $v i32) (param $n i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $v) (i32.shl (local.get $n) (i32.const 2))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $v) (local.get $end)))
      (v128.store (local.get $v) (call $silu (v128.load (local.get $v))))
      (local.set $v (i32.add (local.get $v) (i32.const 16)))
      (br $next))))

  ;; out = silu(g) * u; out may be either of them.
  (func $silu_mul (export "silu_mul") (param $g i32) (param $u i32) (param $out i32) (param $n i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $g) (i32.shl (local.get $n) (i32.const 2))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $g) (local.get $end)))
      (v128.store (local.get $out) (f32x4.mul (call $silu (v128.load (local.get $g))) (v128.load (local.get $u))))
      (local.set $g (i32.add (local.get $g) (i32.const 16)))
      (local.set $u (i32.add (local.get $u) (i32.const 16)))
      (local.set $out (i32.add (local.get $out) (i32.const 16)))
      (br $next))))

  ;; v = softplus(v + bias) = max(v, 0) + log1p(u), u = e^-|v|. With s = u / (2 + u),
  ;; at most 1/3, log1p(u) = 2 atanh(s) = 2 s (1 + s^2/3 + s^4/5 + ...).
  (func $softplus (param $v i32) (param $bias i32) (param $n i32)
    (local $end i32) (local $a v128) (local $u v128) (local $s v128) (local $s2 v128) (local $p v128)
    (local.set $end (i32.add (local.get $v) (i32.shl (local.get $n) (i32.const 2))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $v) (local.get $end)))
      (local.set $a (f32x4.add (v128.load (local.get $v)) (v128.load (local.get $bias))))
      (local.set $u (call $exp (f32x4.neg (f32x4.abs (local.get $a)))))
      (local.set $s (f32x4.div (local.get $u) (f32x4.add (local.get $u) (v128.const f32x4 2 2 2 2))))
      (local.set $s2 (f32x4.mul (local.get $s) (local.get $s)))
      (local.set $p (v128.const f32x4 0.13333333 0.13333333 0.13333333 0.13333333)) ;; 2/15
      (local.set $p (f32x4.relaxed_madd (local.get $p) (local.get $s2) (v128.const f32x4 0.15384616 0.15384616 0.15384616 0.15384616))) ;; 2/13
      (local.set $p (f32x4.relaxed_madd (local.get $p) (local.get $s2) (v128.const f32x4 0.18181819 0.18181819 0.18181819 0.18181819))) ;; 2/11
      (local.set $p (f32x4.relaxed_madd (local.get $p) (local.get $s2) (v128.const f32x4 0.22222222 0.22222222 0.22222222 0.22222222))) ;; 2/9
      (local.set $p (f32x4.relaxed_madd (local.get $p) (local.get $s2) (v128.const f32x4 0.2857143 0.2857143 0.2857143 0.2857143)))     ;; 2/7
      (local.set $p (f32x4.relaxed_madd (local.get $p) (local.get $s2) (v128.const f32x4 0.4 0.4 0.4 0.4)))                             ;; 2/5
      (local.set $p (f32x4.relaxed_madd (local.get $p) (local.get $s2) (v128.const f32x4 0.6666667 0.6666667 0.6666667 0.6666667)))     ;; 2/3
      (local.set $p (f32x4.relaxed_madd (local.get $p) (local.get $s2) (v128.const f32x4 2 2 2 2)))
      (v128.store (local.get $v) (f32x4.relaxed_madd (local.get $p) (local.get $s)
        (f32x4.max (local.get $a) (v128.const f32x4 0 0 0 0))))
      (local.set $v (i32.add (local.get $v) (i32.const 16)))
      (local.set $bias (i32.add (local.get $bias) (i32.const 16)))
      (br $next))))

  ;; Four IEEE halves, in 32 bits each with their sign in the upper 16, to fp32: exponent and
  ;; fraction shifted into place below the sign, the exponent's bias made good by 2^112, which
  ;; keeps subnormals right; what then is 2^16 or above was infinite or no number, and stays so.
  (func $from_f16 (param $h v128) (result v128)
    (local.set $h (f32x4.mul
      (v128.and (i32x4.shl (local.get $h) (i32.const 13)) (v128.const i32x4 0x8fffe000 0x8fffe000 0x8fffe000 0x8fffe000))
      (v128.const f32x4 0x1p112 0x1p112 0x1p112 0x1p112)))
    (v128.or (local.get $h) (v128.and
      (f32x4.ge (f32x4.abs (local.get $h)) (v128.const f32x4 0x1p16 0x1p16 0x1p16 0x1p16))
      (v128.const i32x4 0x7f800000 0x7f800000 0x7f800000 0x7f800000))))

  ;; IEEE halves, or bfloat16, to fp32; n is any number.
  (func $widen (export "widen") (param $bf16 i32) (param $from i32) (param $to i32) (param $n i32)
    (local $end i32) (local $stop i32) (local $h v128) (local $low v128) (local $high v128)
    (local $mask v128) (local $power v128) (local $limit v128) (local $infinite v128)
    (local.set $mask (v128.const i32x4 0x8fffe000 0x8fffe000 0x8fffe000 0x8fffe000))
    (local.set $power (v128.const f32x4 0x1p112 0x1p112 0x1p112 0x1p112))
    (local.set $limit (v128.const f32x4 0x1p16 0x1p16 0x1p16 0x1p16))
    (local.set $infinite (v128.const i32x4 0x7f800000 0x7f800000 0x7f800000 0x7f800000))
    (local.set $end (i32.add (local.get $to) (i32.shl (local.get $n) (i32.const 2))))
    (local.set $stop (i32.sub (local.get $end) (i32.and (i32.shl (local.get $n) (i32.const 2)) (i32.const 31))))
    (block $done
      (br_if $done (i32.ge_u (local.get $to) (local.get $stop)))
      (if (local.get $bf16)
        (then (loop $next
          (local.set $h (v128.load (local.get $from)))
          (v128.store (local.get $to) (i32x4.shl (i32x4.extend_low_i16x8_u (local.get $h)) (i32.const 16)))
          (v128.store offset=16 (local.get $to) (i32x4.shl (i32x4.extend_high_i16x8_u (local.get $h)) (i32.const 16)))
          (local.set $from (i32.add (local.get $from) (i32.const 16)))
          (br_if $next (i32.lt_u (local.tee $to (i32.add (local.get $to) (i32.const 32))) (local.get $stop)))))
        ;; from_f16 of eight, written out: not every browser puts a function's body where it is called.
        (else (loop $next
          (local.set $h (v128.load (local.get $from)))
          (local.set $low (f32x4.mul (local.get $power)
            (v128.and (i32x4.shl (i32x4.extend_low_i16x8_s (local.get $h)) (i32.const 13)) (local.get $mask))))
          (local.set $high (f32x4.mul (local.get $power)
            (v128.and (i32x4.shl (i32x4.extend_high_i16x8_s (local.get $h)) (i32.const 13)) (local.get $mask))))
          (v128.store (local.get $to) (v128.or (local.get $low)
            (v128.and (f32x4.ge (f32x4.abs (local.get $low)) (local.get $limit)) (local.get $infinite))))
          (v128.store offset=16 (local.get $to) (v128.or (local.get $high)
            (v128.and (f32x4.ge (f32x4.abs (local.get $high)) (local.get $limit)) (local.get $infinite))))
          (local.set $from (i32.add (local.get $from) (i32.const 16)))
          (br_if $next (i32.lt_u (local.tee $to (i32.add (local.get $to) (i32.const 32))) (local.get $stop)))))))
    ;; The last ones by themselves: memory may end behind them.
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $to) (local.get $end)))
      (local.set $h (i32x4.splat (i32.load16_s (local.get $from))))
      (if (local.get $bf16)
        (then (v128.store32_lane 0 (local.get $to) (i32x4.shl (local.get $h) (i32.const 16))))
        (else (v128.store32_lane 0 (local.get $to) (call $from_f16 (local.get $h)))))
      (local.set $from (i32.add (local.get $from) (i32.const 2)))
      (local.set $to (i32.add (local.get $to) (i32.const 4)))
      (br $next))))

  ;; Four bytes of q, from byte $lane of it on, as scale * q + bias.
  (func $affine (param $q v128) (param $scale v128) (param $bias v128) (result v128)
    (f32x4.relaxed_madd (f32x4.convert_i32x4_u (local.get $q)) (local.get $scale) (local.get $bias)))

  ;; Sixteen bytes of q to fp32 at $to.
  (func $spread (param $q v128) (param $scale v128) (param $bias v128) (param $to i32)
    (local $half v128)
    (local.set $half (i16x8.extend_low_i8x16_u (local.get $q)))
    (v128.store (local.get $to) (call $affine (i32x4.extend_low_i16x8_u (local.get $half)) (local.get $scale) (local.get $bias)))
    (v128.store offset=16 (local.get $to) (call $affine (i32x4.extend_high_i16x8_u (local.get $half)) (local.get $scale) (local.get $bias)))
    (local.set $half (i16x8.extend_high_i8x16_u (local.get $q)))
    (v128.store offset=32 (local.get $to) (call $affine (i32x4.extend_low_i16x8_u (local.get $half)) (local.get $scale) (local.get $bias)))
    (v128.store offset=48 (local.get $to) (call $affine (i32x4.extend_high_i16x8_u (local.get $half)) (local.get $scale) (local.get $bias))))

  ;; A row of n weights of 8 bits to fp32: scale * q + bias, both fp32, one of each
  ;; for $group weights.
  (func $expand_q8 (param $w i32) (param $scales i32) (param $biases i32) (param $to i32) (param $n i32) (param $group i32)
    (local $end i32) (local $stop i32) (local $scale v128) (local $bias v128)
    (local.set $end (i32.add (local.get $w) (local.get $n)))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $w) (local.get $end)))
      (local.set $scale (v128.load32_splat (local.get $scales)))
      (local.set $bias (v128.load32_splat (local.get $biases)))
      (local.set $stop (i32.add (local.get $w) (local.get $group)))
      (loop $run
        (call $spread (v128.load (local.get $w)) (local.get $scale) (local.get $bias) (local.get $to))
        (local.set $w (i32.add (local.get $w) (i32.const 16)))
        (local.set $to (i32.add (local.get $to) (i32.const 64)))
        (br_if $run (i32.lt_u (local.get $w) (local.get $stop))))
      (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
      (local.set $biases (i32.add (local.get $biases) (i32.const 4)))
      (br $next))))

  ;; The same for 4 bits: a byte holds two weights, the first one low.
  (func $expand_q4 (param $w i32) (param $scales i32) (param $biases i32) (param $to i32) (param $n i32) (param $group i32)
    (local $end i32) (local $stop i32) (local $scale v128) (local $bias v128) (local $low v128) (local $high v128)
    (local.set $end (i32.add (local.get $w) (i32.shr_u (local.get $n) (i32.const 1))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $w) (local.get $end)))
      (local.set $scale (v128.load32_splat (local.get $scales)))
      (local.set $bias (v128.load32_splat (local.get $biases)))
      (local.set $stop (i32.add (local.get $w) (i32.shr_u (local.get $group) (i32.const 1))))
      (loop $run
        (local.set $high (v128.load (local.get $w)))
        (local.set $low (v128.and (local.get $high) (v128.const i32x4 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f)))
        (local.set $high (i8x16.shr_u (local.get $high) (i32.const 4)))
        (call $spread (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $low) (local.get $high))
          (local.get $scale) (local.get $bias) (local.get $to))
        (call $spread (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $low) (local.get $high))
          (local.get $scale) (local.get $bias) (i32.add (local.get $to) (i32.const 64)))
        (local.set $w (i32.add (local.get $w) (i32.const 16)))
        (local.set $to (i32.add (local.get $to) (i32.const 128)))
        (br_if $run (i32.lt_u (local.get $w) (local.get $stop))))
      (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
      (local.set $biases (i32.add (local.get $biases) (i32.const 4)))
      (br $next))))

  ;; ---- products ----

  ;; Takes x apart, $in values in groups of $group, as matvec_q4 and matvec_q8 read them:
  ;; whole numbers of 30 bits and one exponent a group, such that its largest value fills
  ;; them: a product by a power of two is exact, so that nothing is lost but what lies
  ;; 2^-30 below the largest. A group with what is no number is none.
  (func (export "fix") (param $x i32) (param $in i32) (param $group i32) (param $bits i32) (param $planes i32) (param $units i32)
    (local $end i32) (local $stop i32) (local $at i32) (local $e i32) (local $v v128) (local $scale v128) (local $sum v128)
    (local.set $end (i32.add (local.get $x) (i32.shl (local.get $in) (i32.const 2))))
    (loop $next
      (local.set $stop (i32.add (local.get $x) (i32.shl (local.get $group) (i32.const 2))))
      ;; The largest: sizes, as bits, are in order.
      (local.set $v (v128.const i32x4 0 0 0 0))
      (local.set $sum (v128.const i32x4 0 0 0 0))
      (local.set $at (local.get $x))
      (loop $value
        (local.set $v (i32x4.max_u (local.get $v) (f32x4.abs (v128.load (local.get $at)))))
        (local.set $sum (f32x4.add (local.get $sum) (v128.load (local.get $at))))
        (br_if $value (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $stop))))
      (local.set $v (i32x4.max_u (local.get $v) (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $v) (local.get $v))))
      (local.set $v (i32x4.max_u (local.get $v) (i8x16.shuffle 4 5 6 7 0 1 2 3 12 13 14 15 8 9 10 11 (local.get $v) (local.get $v))))
      ;; 2^e is above it, kept where 2^(30-e) and 2^(e-30) are fp32's normal numbers.
      (local.set $e (i32.sub (i32.shr_u (i32x4.extract_lane 0 (local.get $v)) (i32.const 23)) (i32.const 126)))
      (local.set $e (select (local.get $e) (i32.const -96) (i32.gt_s (local.get $e) (i32.const -96))))
      (local.set $scale (i32x4.splat (i32.shl (i32.sub (i32.const 157) (local.get $e)) (i32.const 23))))
      (f32.store (local.get $units) (select
        (f32.const nan)
        (f32.reinterpret_i32 (i32.shl (i32.add (i32.const 97) (local.get $e)) (i32.const 23)))
        (i32.ge_u (i32x4.extract_lane 0 (local.get $v)) (i32.const 0x7f800000))))
      (f32.store offset=4 (local.get $units) (call $sum (local.get $sum)))
      (loop $run
        (if (i32.eq (local.get $bits) (i32.const 4))
          (then
            (call $fourths (local.get $x) (local.get $scale) (local.get $planes))
            (local.set $planes (i32.add (local.get $planes) (i32.const 128)))
            (local.set $x (i32.add (local.get $x) (i32.const 128))))
          (else
            (call $seconds (local.get $x) (local.get $scale) (local.get $planes))
            (local.set $planes (i32.add (local.get $planes) (i32.const 64)))
            (local.set $x (i32.add (local.get $x) (i32.const 64)))))
        (br_if $run (i32.lt_u (local.get $x) (local.get $stop))))
      (local.set $units (i32.add (local.get $units) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $x) (local.get $end)))))

  ;; Four values of x as whole numbers.
  (func $whole (param $x i32) (param $scale v128) (result v128)
    (i32x4.trunc_sat_f32x4_s (f32x4.mul (local.get $scale) (v128.load (local.get $x)))))

  ;; The upper halves of eight whole numbers, then the lower ones, which have no sign.
  (func $upper (param $a v128) (param $b v128) (result v128)
    (i16x8.narrow_i32x4_s (i32x4.shr_s (local.get $a) (i32.const 15)) (i32x4.shr_s (local.get $b) (i32.const 15))))
  (func $lower (param $a v128) (param $b v128) (result v128)
    (i16x8.narrow_i32x4_s
      (v128.and (local.get $a) (v128.const i32x4 0x7fff 0x7fff 0x7fff 0x7fff))
      (v128.and (local.get $b) (v128.const i32x4 0x7fff 0x7fff 0x7fff 0x7fff))))

  ;; 16 values of x: the even ones, 8 upper halves and 8 lower, then the odd ones.
  (func $seconds (param $x i32) (param $scale v128) (param $to i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $p v128) (local $q v128)
    (local.set $a (call $whole (local.get $x) (local.get $scale)))
    (local.set $b (call $whole (i32.add (local.get $x) (i32.const 16)) (local.get $scale)))
    (local.set $c (call $whole (i32.add (local.get $x) (i32.const 32)) (local.get $scale)))
    (local.set $d (call $whole (i32.add (local.get $x) (i32.const 48)) (local.get $scale)))
    (local.set $p (call $upper (local.get $a) (local.get $b)))
    (local.set $q (call $upper (local.get $c) (local.get $d)))
    (v128.store (local.get $to) (i8x16.shuffle 0 1 4 5 8 9 12 13 16 17 20 21 24 25 28 29 (local.get $p) (local.get $q)))
    (v128.store offset=32 (local.get $to) (i8x16.shuffle 2 3 6 7 10 11 14 15 18 19 22 23 26 27 30 31 (local.get $p) (local.get $q)))
    (local.set $p (call $lower (local.get $a) (local.get $b)))
    (local.set $q (call $lower (local.get $c) (local.get $d)))
    (v128.store offset=16 (local.get $to) (i8x16.shuffle 0 1 4 5 8 9 12 13 16 17 20 21 24 25 28 29 (local.get $p) (local.get $q)))
    (v128.store offset=48 (local.get $to) (i8x16.shuffle 2 3 6 7 10 11 14 15 18 19 22 23 26 27 30 31 (local.get $p) (local.get $q))))

  ;; 32 values of x: every fourth from 0 on, 8 upper halves and 8 lower, then from 1, 2 and 3 on.
  (func $fourths (param $x i32) (param $scale v128) (param $to i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $e v128) (local $f v128) (local $g v128) (local $h v128)
    (local.set $a (call $whole (local.get $x) (local.get $scale)))
    (local.set $b (call $whole (i32.add (local.get $x) (i32.const 16)) (local.get $scale)))
    (local.set $c (call $whole (i32.add (local.get $x) (i32.const 32)) (local.get $scale)))
    (local.set $d (call $whole (i32.add (local.get $x) (i32.const 48)) (local.get $scale)))
    (local.set $e (call $whole (i32.add (local.get $x) (i32.const 64)) (local.get $scale)))
    (local.set $f (call $whole (i32.add (local.get $x) (i32.const 80)) (local.get $scale)))
    (local.set $g (call $whole (i32.add (local.get $x) (i32.const 96)) (local.get $scale)))
    (local.set $h (call $whole (i32.add (local.get $x) (i32.const 112)) (local.get $scale)))
    (call $deal (local.get $to)
      (call $upper (local.get $a) (local.get $b)) (call $upper (local.get $c) (local.get $d))
      (call $upper (local.get $e) (local.get $f)) (call $upper (local.get $g) (local.get $h)))
    (call $deal (i32.add (local.get $to) (i32.const 16))
      (call $lower (local.get $a) (local.get $b)) (call $lower (local.get $c) (local.get $d))
      (call $lower (local.get $e) (local.get $f)) (call $lower (local.get $g) (local.get $h))))

  ;; Every fourth of 32 from 0 on to $to, from 1, 2 and 3 on to every 32 bytes behind.
  (func $deal (param $to i32) (param $a v128) (param $b v128) (param $c v128) (param $d v128)
    (local $p v128) (local $q v128)
    (local.set $p (i8x16.shuffle 0 1 8 9 16 17 24 25 2 3 10 11 18 19 26 27 (local.get $a) (local.get $b)))
    (local.set $q (i8x16.shuffle 0 1 8 9 16 17 24 25 2 3 10 11 18 19 26 27 (local.get $c) (local.get $d)))
    (v128.store (local.get $to) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $p) (local.get $q)))
    (v128.store offset=32 (local.get $to) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $p) (local.get $q)))
    (local.set $p (i8x16.shuffle 4 5 12 13 20 21 28 29 6 7 14 15 22 23 30 31 (local.get $a) (local.get $b)))
    (local.set $q (i8x16.shuffle 4 5 12 13 20 21 28 29 6 7 14 15 22 23 30 31 (local.get $c) (local.get $d)))
    (v128.store offset=64 (local.get $to) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $p) (local.get $q)))
    (v128.store offset=96 (local.get $to) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $p) (local.get $q))))

  ;; y[r] (+)= sum_k W[r, k] x[k] for $rows rows of $in weights of 4 bits, two rows
  ;; at once, half of all rows apart: each of the two then reads on where it stopped,
  ;; which memory is twice as quick at as at neighbours in turns. x comes in fixed point, 30 bits and one exponent for each group, as
  ;; two halves of 15 bits: integer products are exact, and SIMD does eight of them
  ;; at once. $planes holds, for every 32 values, halves for every fourth value from
  ;; 0 on: 8 high, 8 low; then from 1, 2 and 3 on: in that order masks and shifts
  ;; take the weights apart. $units holds two fp32 for each group: what 1 in the
  ;; lowest bit is worth, and the sum of x, which the bias multiplies.
  (func $matvec_q4 (param $w i32) (param $scales i32) (param $biases i32) (param $planes i32) (param $units i32)
      (param $y i32) (param $rows i32) (param $in i32) (param $group i32) (param $add i32)
    (local $wb i32) (local $sb i32) (local $p i32) (local $u i32) (local $uend i32) (local $stop i32) (local $runs i32)
    (local $row i32) (local $groups i32) (local $half i32) (local $left i32) (local $two i32)
    (local $va v128) (local $vb v128) (local $xh v128) (local $xl v128) (local $q v128)
    (local $ha v128) (local $la v128) (local $hb v128) (local $lb v128) (local $ya v128) (local $yb v128)
    (local $ca f32) (local $cb f32)
    (local.set $row (i32.shr_u (local.get $in) (i32.const 1)))                                  ;; bytes of a row
    (local.set $groups (i32.shl (i32.div_u (local.get $in) (local.get $group)) (i32.const 2)))  ;; bytes of a row's scales
    (local.set $uend (i32.add (local.get $units) (i32.shl (local.get $groups) (i32.const 1))))
    (local.set $runs (i32.shl (local.get $group) (i32.const 2)))                                ;; bytes of a group's planes
    (local.set $half (i32.shr_u (i32.add (local.get $rows) (i32.const 1)) (i32.const 1)))
    (local.set $rows (i32.sub (local.get $rows) (local.get $half)))
    (local.set $left (local.get $half))
    (loop $pair
      ;; A last row without a partner is its own.
      (local.set $two (i32.gt_s (local.get $rows) (i32.const 0)))
      (local.set $wb (i32.add (local.get $w) (select (i32.mul (local.get $row) (local.get $half)) (i32.const 0) (local.get $two))))
      (local.set $sb (select (i32.mul (local.get $groups) (local.get $half)) (i32.const 0) (local.get $two)))
      (local.set $p (local.get $planes))
      (local.set $u (local.get $units))
      (local.set $ya (v128.const i32x4 0 0 0 0))
      (local.set $yb (v128.const i32x4 0 0 0 0))
      (local.set $ca (f32.const 0))
      (local.set $cb (f32.const 0))
      (loop $next
        (local.set $ha (v128.const i32x4 0 0 0 0))
        (local.set $la (v128.const i32x4 0 0 0 0))
        (local.set $hb (v128.const i32x4 0 0 0 0))
        (local.set $lb (v128.const i32x4 0 0 0 0))
        (local.set $stop (i32.add (local.get $p) (local.get $runs)))
        (loop $run
          (local.set $va (v128.load (local.get $w)))
          (local.set $vb (v128.load (local.get $wb)))

          (local.set $xh (v128.load (local.get $p)))
          (local.set $xl (v128.load offset=16 (local.get $p)))
          (local.set $q (v128.and (local.get $va) (v128.const i16x8 15 15 15 15 15 15 15 15)))
          (local.set $ha (i32x4.add (local.get $ha) (i32x4.dot_i16x8_s (local.get $q) (local.get $xh))))
          (local.set $la (i32x4.add (local.get $la) (i32x4.dot_i16x8_s (local.get $q) (local.get $xl))))
          (local.set $q (v128.and (local.get $vb) (v128.const i16x8 15 15 15 15 15 15 15 15)))
          (local.set $hb (i32x4.add (local.get $hb) (i32x4.dot_i16x8_s (local.get $q) (local.get $xh))))
          (local.set $lb (i32x4.add (local.get $lb) (i32x4.dot_i16x8_s (local.get $q) (local.get $xl))))

          (local.set $xh (v128.load offset=32 (local.get $p)))
          (local.set $xl (v128.load offset=48 (local.get $p)))
          (local.set $q (v128.and (i16x8.shr_u (local.get $va) (i32.const 4)) (v128.const i16x8 15 15 15 15 15 15 15 15)))
          (local.set $ha (i32x4.add (local.get $ha) (i32x4.dot_i16x8_s (local.get $q) (local.get $xh))))
          (local.set $la (i32x4.add (local.get $la) (i32x4.dot_i16x8_s (local.get $q) (local.get $xl))))
          (local.set $q (v128.and (i16x8.shr_u (local.get $vb) (i32.const 4)) (v128.const i16x8 15 15 15 15 15 15 15 15)))
          (local.set $hb (i32x4.add (local.get $hb) (i32x4.dot_i16x8_s (local.get $q) (local.get $xh))))
          (local.set $lb (i32x4.add (local.get $lb) (i32x4.dot_i16x8_s (local.get $q) (local.get $xl))))

          (local.set $xh (v128.load offset=64 (local.get $p)))
          (local.set $xl (v128.load offset=80 (local.get $p)))
          (local.set $q (v128.and (i16x8.shr_u (local.get $va) (i32.const 8)) (v128.const i16x8 15 15 15 15 15 15 15 15)))
          (local.set $ha (i32x4.add (local.get $ha) (i32x4.dot_i16x8_s (local.get $q) (local.get $xh))))
          (local.set $la (i32x4.add (local.get $la) (i32x4.dot_i16x8_s (local.get $q) (local.get $xl))))
          (local.set $q (v128.and (i16x8.shr_u (local.get $vb) (i32.const 8)) (v128.const i16x8 15 15 15 15 15 15 15 15)))
          (local.set $hb (i32x4.add (local.get $hb) (i32x4.dot_i16x8_s (local.get $q) (local.get $xh))))
          (local.set $lb (i32x4.add (local.get $lb) (i32x4.dot_i16x8_s (local.get $q) (local.get $xl))))

          (local.set $xh (v128.load offset=96 (local.get $p)))
          (local.set $xl (v128.load offset=112 (local.get $p)))
          (local.set $q (i16x8.shr_u (local.get $va) (i32.const 12)))
          (local.set $ha (i32x4.add (local.get $ha) (i32x4.dot_i16x8_s (local.get $q) (local.get $xh))))
          (local.set $la (i32x4.add (local.get $la) (i32x4.dot_i16x8_s (local.get $q) (local.get $xl))))
          (local.set $q (i16x8.shr_u (local.get $vb) (i32.const 12)))
          (local.set $hb (i32x4.add (local.get $hb) (i32x4.dot_i16x8_s (local.get $q) (local.get $xh))))
          (local.set $lb (i32x4.add (local.get $lb) (i32x4.dot_i16x8_s (local.get $q) (local.get $xl))))

          (local.set $w (i32.add (local.get $w) (i32.const 16)))
          (local.set $wb (i32.add (local.get $wb) (i32.const 16)))
          (local.set $p (i32.add (local.get $p) (i32.const 128)))
          (br_if $run (i32.lt_u (local.get $p) (local.get $stop))))
        ;; The group's integers become fp32 here, and only here.
        (local.set $ya (f32x4.relaxed_madd
          (f32x4.relaxed_madd (f32x4.convert_i32x4_s (local.get $ha)) (v128.const f32x4 32768 32768 32768 32768) (f32x4.convert_i32x4_s (local.get $la)))
          (f32x4.splat (f32.mul (f32.load (local.get $u)) (f32.load (local.get $scales)))) (local.get $ya)))
        (local.set $yb (f32x4.relaxed_madd
          (f32x4.relaxed_madd (f32x4.convert_i32x4_s (local.get $hb)) (v128.const f32x4 32768 32768 32768 32768) (f32x4.convert_i32x4_s (local.get $lb)))
          (f32x4.splat (f32.mul (f32.load (local.get $u)) (f32.load (i32.add (local.get $scales) (local.get $sb))))) (local.get $yb)))
        (local.set $ca (f32.add (local.get $ca) (f32.mul (f32.load offset=4 (local.get $u)) (f32.load (local.get $biases)))))
        (local.set $cb (f32.add (local.get $cb) (f32.mul (f32.load offset=4 (local.get $u)) (f32.load (i32.add (local.get $biases) (local.get $sb))))))
        (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
        (local.set $biases (i32.add (local.get $biases) (i32.const 4)))
        (br_if $next (i32.lt_u (local.tee $u (i32.add (local.get $u) (i32.const 8))) (local.get $uend))))
      (local.set $ca (f32.add (local.get $ca) (call $sum (local.get $ya))))
      (local.set $cb (f32.add (local.get $cb) (call $sum (local.get $yb))))
      (call $put (local.get $y) (local.get $ca) (local.get $add))
      (if (local.get $two) (then
        (call $put (i32.add (local.get $y) (i32.shl (local.get $half) (i32.const 2))) (local.get $cb) (local.get $add))))
      (local.set $y (i32.add (local.get $y) (i32.const 4)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $pair (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))

  ;; The same for 8 bits. $planes holds, for every 16 values, halves for the even
  ;; ones: 8 high, 8 low; then for the odd ones.
  (func $matvec_q8 (param $w i32) (param $scales i32) (param $biases i32) (param $planes i32) (param $units i32)
      (param $y i32) (param $rows i32) (param $in i32) (param $group i32) (param $add i32)
    (local $wb i32) (local $sb i32) (local $p i32) (local $u i32) (local $uend i32) (local $stop i32) (local $runs i32)
    (local $groups i32) (local $half i32) (local $left i32) (local $two i32)
    (local $va v128) (local $vb v128) (local $xh v128) (local $xl v128) (local $q v128)
    (local $ha v128) (local $la v128) (local $hb v128) (local $lb v128) (local $ya v128) (local $yb v128)
    (local $ca f32) (local $cb f32)
    (local.set $groups (i32.shl (i32.div_u (local.get $in) (local.get $group)) (i32.const 2)))
    (local.set $uend (i32.add (local.get $units) (i32.shl (local.get $groups) (i32.const 1))))
    (local.set $runs (i32.shl (local.get $group) (i32.const 2)))
    (local.set $half (i32.shr_u (i32.add (local.get $rows) (i32.const 1)) (i32.const 1)))
    (local.set $rows (i32.sub (local.get $rows) (local.get $half)))
    (local.set $left (local.get $half))
    (loop $pair
      ;; A last row without a partner is its own.
      (local.set $two (i32.gt_s (local.get $rows) (i32.const 0)))
      (local.set $wb (i32.add (local.get $w) (select (i32.mul (local.get $in) (local.get $half)) (i32.const 0) (local.get $two))))
      (local.set $sb (select (i32.mul (local.get $groups) (local.get $half)) (i32.const 0) (local.get $two)))
      (local.set $p (local.get $planes))
      (local.set $u (local.get $units))
      (local.set $ya (v128.const i32x4 0 0 0 0))
      (local.set $yb (v128.const i32x4 0 0 0 0))
      (local.set $ca (f32.const 0))
      (local.set $cb (f32.const 0))
      (loop $next
        (local.set $ha (v128.const i32x4 0 0 0 0))
        (local.set $la (v128.const i32x4 0 0 0 0))
        (local.set $hb (v128.const i32x4 0 0 0 0))
        (local.set $lb (v128.const i32x4 0 0 0 0))
        (local.set $stop (i32.add (local.get $p) (local.get $runs)))
        (loop $run
          (local.set $va (v128.load (local.get $w)))
          (local.set $vb (v128.load (local.get $wb)))

          (local.set $xh (v128.load (local.get $p)))
          (local.set $xl (v128.load offset=16 (local.get $p)))
          (local.set $q (v128.and (local.get $va) (v128.const i16x8 255 255 255 255 255 255 255 255)))
          (local.set $ha (i32x4.add (local.get $ha) (i32x4.dot_i16x8_s (local.get $q) (local.get $xh))))
          (local.set $la (i32x4.add (local.get $la) (i32x4.dot_i16x8_s (local.get $q) (local.get $xl))))
          (local.set $q (v128.and (local.get $vb) (v128.const i16x8 255 255 255 255 255 255 255 255)))
          (local.set $hb (i32x4.add (local.get $hb) (i32x4.dot_i16x8_s (local.get $q) (local.get $xh))))
          (local.set $lb (i32x4.add (local.get $lb) (i32x4.dot_i16x8_s (local.get $q) (local.get $xl))))

          (local.set $xh (v128.load offset=32 (local.get $p)))
          (local.set $xl (v128.load offset=48 (local.get $p)))
          (local.set $q (i16x8.shr_u (local.get $va) (i32.const 8)))
          (local.set $ha (i32x4.add (local.get $ha) (i32x4.dot_i16x8_s (local.get $q) (local.get $xh))))
          (local.set $la (i32x4.add (local.get $la) (i32x4.dot_i16x8_s (local.get $q) (local.get $xl))))
          (local.set $q (i16x8.shr_u (local.get $vb) (i32.const 8)))
          (local.set $hb (i32x4.add (local.get $hb) (i32x4.dot_i16x8_s (local.get $q) (local.get $xh))))
          (local.set $lb (i32x4.add (local.get $lb) (i32x4.dot_i16x8_s (local.get $q) (local.get $xl))))

          (local.set $w (i32.add (local.get $w) (i32.const 16)))
          (local.set $wb (i32.add (local.get $wb) (i32.const 16)))
          (local.set $p (i32.add (local.get $p) (i32.const 64)))
          (br_if $run (i32.lt_u (local.get $p) (local.get $stop))))
        (local.set $ya (f32x4.relaxed_madd
          (f32x4.relaxed_madd (f32x4.convert_i32x4_s (local.get $ha)) (v128.const f32x4 32768 32768 32768 32768) (f32x4.convert_i32x4_s (local.get $la)))
          (f32x4.splat (f32.mul (f32.load (local.get $u)) (f32.load (local.get $scales)))) (local.get $ya)))
        (local.set $yb (f32x4.relaxed_madd
          (f32x4.relaxed_madd (f32x4.convert_i32x4_s (local.get $hb)) (v128.const f32x4 32768 32768 32768 32768) (f32x4.convert_i32x4_s (local.get $lb)))
          (f32x4.splat (f32.mul (f32.load (local.get $u)) (f32.load (i32.add (local.get $scales) (local.get $sb))))) (local.get $yb)))
        (local.set $ca (f32.add (local.get $ca) (f32.mul (f32.load offset=4 (local.get $u)) (f32.load (local.get $biases)))))
        (local.set $cb (f32.add (local.get $cb) (f32.mul (f32.load offset=4 (local.get $u)) (f32.load (i32.add (local.get $biases) (local.get $sb))))))
        (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
        (local.set $biases (i32.add (local.get $biases) (i32.const 4)))
        (br_if $next (i32.lt_u (local.tee $u (i32.add (local.get $u) (i32.const 8))) (local.get $uend))))
      (local.set $ca (f32.add (local.get $ca) (call $sum (local.get $ya))))
      (local.set $cb (f32.add (local.get $cb) (call $sum (local.get $yb))))
      (call $put (local.get $y) (local.get $ca) (local.get $add))
      (if (local.get $two) (then
        (call $put (i32.add (local.get $y) (i32.shl (local.get $half) (i32.const 2))) (local.get $cb) (local.get $add))))
      (local.set $y (i32.add (local.get $y) (i32.const 4)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $pair (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))

  ;; *y = v, or *y += v
  (func $put (param $y i32) (param $v f32) (param $add i32)
    (if (local.get $add) (then (local.set $v (f32.add (local.get $v) (f32.load (local.get $y))))))
    (f32.store (local.get $y) (local.get $v)))

  ;; y[t, r] (+)= sum_k w[r, k] x[t, k] in fp32 for up to 4 rows ($rows of them are
  ;; kept, all 4 can be read) and $tokens tokens, two tokens at once: 8 sums stay
  ;; in registers. $n is a multiple of 4.
  (func $matmul (param $w i32) (param $wstride i32) (param $x i32) (param $xstride i32) (param $y i32) (param $ystride i32)
      (param $rows i32) (param $tokens i32) (param $n i32) (param $add i32)
    (local $w0 i32) (local $w1 i32) (local $w2 i32) (local $w3 i32) (local $xa i32) (local $xb i32) (local $end i32) (local $two i32)
    (local $v v128) (local $va v128) (local $vb v128)
    (local $a0 v128) (local $a1 v128) (local $a2 v128) (local $a3 v128)
    (local $b0 v128) (local $b1 v128) (local $b2 v128) (local $b3 v128)
    (block $done (loop $pair
      (br_if $done (i32.eqz (local.get $tokens)))
      (local.set $two (i32.gt_u (local.get $tokens) (i32.const 1)))
      (local.set $w0 (local.get $w))
      (local.set $w1 (i32.add (local.get $w0) (local.get $wstride)))
      (local.set $w2 (i32.add (local.get $w1) (local.get $wstride)))
      (local.set $w3 (i32.add (local.get $w2) (local.get $wstride)))
      (local.set $end (i32.add (local.get $w) (i32.shl (local.get $n) (i32.const 2))))
      (local.set $xa (local.get $x))
      (local.set $xb (i32.add (local.get $x) (select (local.get $xstride) (i32.const 0) (local.get $two))))
      (local.set $a0 (v128.const i32x4 0 0 0 0))
      (local.set $a1 (v128.const i32x4 0 0 0 0))
      (local.set $a2 (v128.const i32x4 0 0 0 0))
      (local.set $a3 (v128.const i32x4 0 0 0 0))
      (local.set $b0 (v128.const i32x4 0 0 0 0))
      (local.set $b1 (v128.const i32x4 0 0 0 0))
      (local.set $b2 (v128.const i32x4 0 0 0 0))
      (local.set $b3 (v128.const i32x4 0 0 0 0))
      (block $summed (loop $next
        (br_if $summed (i32.ge_u (local.get $w0) (local.get $end)))
        (local.set $va (v128.load (local.get $xa)))
        (local.set $vb (v128.load (local.get $xb)))
        (local.set $v (v128.load (local.get $w0)))
        (local.set $a0 (f32x4.relaxed_madd (local.get $v) (local.get $va) (local.get $a0)))
        (local.set $b0 (f32x4.relaxed_madd (local.get $v) (local.get $vb) (local.get $b0)))
        (local.set $v (v128.load (local.get $w1)))
        (local.set $a1 (f32x4.relaxed_madd (local.get $v) (local.get $va) (local.get $a1)))
        (local.set $b1 (f32x4.relaxed_madd (local.get $v) (local.get $vb) (local.get $b1)))
        (local.set $v (v128.load (local.get $w2)))
        (local.set $a2 (f32x4.relaxed_madd (local.get $v) (local.get $va) (local.get $a2)))
        (local.set $b2 (f32x4.relaxed_madd (local.get $v) (local.get $vb) (local.get $b2)))
        (local.set $v (v128.load (local.get $w3)))
        (local.set $a3 (f32x4.relaxed_madd (local.get $v) (local.get $va) (local.get $a3)))
        (local.set $b3 (f32x4.relaxed_madd (local.get $v) (local.get $vb) (local.get $b3)))
        (local.set $w0 (i32.add (local.get $w0) (i32.const 16)))
        (local.set $w1 (i32.add (local.get $w1) (i32.const 16)))
        (local.set $w2 (i32.add (local.get $w2) (i32.const 16)))
        (local.set $w3 (i32.add (local.get $w3) (i32.const 16)))
        (local.set $xa (i32.add (local.get $xa) (i32.const 16)))
        (local.set $xb (i32.add (local.get $xb) (i32.const 16)))
        (br $next)))
      (call $put4 (local.get $y) (local.get $rows) (local.get $add) (local.get $a0) (local.get $a1) (local.get $a2) (local.get $a3))
      (br_if $done (i32.eqz (local.get $two)))
      (local.set $y (i32.add (local.get $y) (local.get $ystride)))
      (call $put4 (local.get $y) (local.get $rows) (local.get $add) (local.get $b0) (local.get $b1) (local.get $b2) (local.get $b3))
      (local.set $y (i32.add (local.get $y) (local.get $ystride)))
      (local.set $x (i32.add (local.get $x) (i32.shl (local.get $xstride) (i32.const 1))))
      (local.set $tokens (i32.sub (local.get $tokens) (i32.const 2)))
      (br $pair))))

  ;; The sums of up to four vectors to y[0], y[1], ...
  (func $put4 (param $y i32) (param $rows i32) (param $add i32) (param $a v128) (param $b v128) (param $c v128) (param $d v128)
    (call $put (local.get $y) (call $sum (local.get $a)) (local.get $add))
    (br_if 0 (i32.eq (local.get $rows) (i32.const 1)))
    (call $put (i32.add (local.get $y) (i32.const 4)) (call $sum (local.get $b)) (local.get $add))
    (br_if 0 (i32.eq (local.get $rows) (i32.const 2)))
    (call $put (i32.add (local.get $y) (i32.const 8)) (call $sum (local.get $c)) (local.get $add))
    (br_if 0 (i32.eq (local.get $rows) (i32.const 3)))
    (call $put (i32.add (local.get $y) (i32.const 12)) (call $sum (local.get $d)) (local.get $add)))

  ;; ---- attention ----

  ;; scores[j] = scale * q . keys[j] for $n keys of $width values (a multiple of 4),
  ;; four keys at once: scores have room for a multiple of 4.
  (func $dots (param $q i32) (param $keys i32) (param $stride i32) (param $n i32) (param $width i32) (param $scale f32) (param $scores i32)
    (local $i i32) (local $j i32) (local $k0 i32) (local $k1 i32) (local $k2 i32) (local $k3 i32) (local $left i32) (local $v v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $width (i32.shl (local.get $width) (i32.const 2)))
    (block $done (loop $four
      (br_if $done (i32.ge_u (local.get $j) (local.get $n)))
      (local.set $left (i32.sub (i32.sub (local.get $n) (local.get $j)) (i32.const 1)))
      (local.set $k0 (local.get $keys))
      ;; Keys behind the last are the last.
      (local.set $k1 (i32.add (local.get $k0) (select (local.get $stride) (i32.const 0) (i32.ge_u (local.get $left) (i32.const 1)))))
      (local.set $k2 (i32.add (local.get $k1) (select (local.get $stride) (i32.const 0) (i32.ge_u (local.get $left) (i32.const 2)))))
      (local.set $k3 (i32.add (local.get $k2) (select (local.get $stride) (i32.const 0) (i32.ge_u (local.get $left) (i32.const 3)))))
      (local.set $a (v128.const i32x4 0 0 0 0))
      (local.set $b (v128.const i32x4 0 0 0 0))
      (local.set $c (v128.const i32x4 0 0 0 0))
      (local.set $d (v128.const i32x4 0 0 0 0))
      (local.set $i (i32.const 0))
      (loop $next
        (local.set $v (v128.load (i32.add (local.get $q) (local.get $i))))
        (local.set $a (f32x4.relaxed_madd (local.get $v) (v128.load (i32.add (local.get $k0) (local.get $i))) (local.get $a)))
        (local.set $b (f32x4.relaxed_madd (local.get $v) (v128.load (i32.add (local.get $k1) (local.get $i))) (local.get $b)))
        (local.set $c (f32x4.relaxed_madd (local.get $v) (v128.load (i32.add (local.get $k2) (local.get $i))) (local.get $c)))
        (local.set $d (f32x4.relaxed_madd (local.get $v) (v128.load (i32.add (local.get $k3) (local.get $i))) (local.get $d)))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (local.get $width))))
      (f32.store (local.get $scores) (f32.mul (call $sum (local.get $a)) (local.get $scale)))
      (f32.store offset=4 (local.get $scores) (f32.mul (call $sum (local.get $b)) (local.get $scale)))
      (f32.store offset=8 (local.get $scores) (f32.mul (call $sum (local.get $c)) (local.get $scale)))
      (f32.store offset=12 (local.get $scores) (f32.mul (call $sum (local.get $d)) (local.get $scale)))
      (local.set $scores (i32.add (local.get $scores) (i32.const 16)))
      (local.set $keys (i32.add (local.get $keys) (i32.shl (local.get $stride) (i32.const 2))))
      (local.set $j (i32.add (local.get $j) (i32.const 4)))
      (br $four))))

  ;; Softmax of n scores in place; n is a positive multiple of 4.
  (func $softmax (export "softmax") (param $scores i32) (param $n i32)
    (local $at i32) (local $end i32) (local $v v128) (local $peak v128) (local $all v128)
    (local.set $end (i32.add (local.get $scores) (i32.shl (local.get $n) (i32.const 2))))
    (local.set $peak (v128.load (local.get $scores)))
    (local.set $at (local.get $scores))
    (loop $next
      (local.set $peak (f32x4.max (local.get $peak) (v128.load (local.get $at))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
    (local.set $peak (f32x4.splat (f32.max
      (f32.max (f32x4.extract_lane 0 (local.get $peak)) (f32x4.extract_lane 1 (local.get $peak)))
      (f32.max (f32x4.extract_lane 2 (local.get $peak)) (f32x4.extract_lane 3 (local.get $peak))))))
    (local.set $at (local.get $scores))
    (loop $next
      (local.set $v (call $exp (f32x4.sub (v128.load (local.get $at)) (local.get $peak))))
      (v128.store (local.get $at) (local.get $v))
      (local.set $all (f32x4.add (local.get $all) (local.get $v)))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
    (local.set $all (f32x4.splat (f32.div (f32.const 1) (call $sum (local.get $all)))))
    (local.set $at (local.get $scores))
    (loop $next
      (v128.store (local.get $at) (f32x4.mul (v128.load (local.get $at)) (local.get $all)))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end)))))

  ;; out += sum_j p[j] values[j], of $n rows of $width values (a multiple of 4), 16
  ;; of them at once where there are as many.
  (func $mix (param $p i32) (param $values i32) (param $stride i32) (param $n i32) (param $width i32) (param $out i32)
    (local $v i32) (local $at i32) (local $end i32) (local $s v128) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $end (i32.add (local.get $p) (i32.shl (local.get $n) (i32.const 2))))
    (br_if 0 (i32.eqz (local.get $n)))
    (block $wide (loop $sixteen
      (br_if $wide (i32.lt_u (local.get $width) (i32.const 16)))
      (local.set $a (v128.load (local.get $out)))
      (local.set $b (v128.load offset=16 (local.get $out)))
      (local.set $c (v128.load offset=32 (local.get $out)))
      (local.set $d (v128.load offset=48 (local.get $out)))
      (local.set $v (local.get $values))
      (local.set $at (local.get $p))
      (loop $next
        (local.set $s (v128.load32_splat (local.get $at)))
        (local.set $a (f32x4.relaxed_madd (local.get $s) (v128.load (local.get $v)) (local.get $a)))
        (local.set $b (f32x4.relaxed_madd (local.get $s) (v128.load offset=16 (local.get $v)) (local.get $b)))
        (local.set $c (f32x4.relaxed_madd (local.get $s) (v128.load offset=32 (local.get $v)) (local.get $c)))
        (local.set $d (f32x4.relaxed_madd (local.get $s) (v128.load offset=48 (local.get $v)) (local.get $d)))
        (local.set $v (i32.add (local.get $v) (local.get $stride)))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (local.get $end))))
      (v128.store (local.get $out) (local.get $a))
      (v128.store offset=16 (local.get $out) (local.get $b))
      (v128.store offset=32 (local.get $out) (local.get $c))
      (v128.store offset=48 (local.get $out) (local.get $d))
      (local.set $values (i32.add (local.get $values) (i32.const 64)))
      (local.set $out (i32.add (local.get $out) (i32.const 64)))
      (local.set $width (i32.sub (local.get $width) (i32.const 16)))
      (br $sixteen)))
    (block $done (loop $four
      (br_if $done (i32.eqz (local.get $width)))
      (local.set $a (v128.load (local.get $out)))
      (local.set $v (local.get $values))
      (local.set $at (local.get $p))
      (loop $next
        (local.set $a (f32x4.relaxed_madd (v128.load32_splat (local.get $at)) (v128.load (local.get $v)) (local.get $a)))
        (local.set $v (i32.add (local.get $v) (local.get $stride)))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (local.get $end))))
      (v128.store (local.get $out) (local.get $a))
      (local.set $values (i32.add (local.get $values) (i32.const 16)))
      (local.set $out (i32.add (local.get $out) (i32.const 16)))
      (local.set $width (i32.sub (local.get $width) (i32.const 4)))
      (br $four))))

  ;; ---- Mamba ----

  ;; The recurrence for $count tokens of $channels channels with $states states each
  ;; (a multiple of 4): h = exp(dt A) h + dt x B, y = C . h + D x. $dty holds dt and
  ;; takes y, $x the inputs; those of the next token follow at $row, $b and $c's at
  ;; $bcstride; $a and $h [channels, states].
  (func $scan (param $dty i32) (param $x i32) (param $b i32) (param $c i32) (param $bcstride i32) (param $a i32) (param $d i32) (param $h i32)
      (param $row i32) (param $channels i32) (param $states i32) (param $count i32)
    (local $t i32) (local $i i32) (local $at i32) (local $dt v128) (local $dtx v128) (local $v v128) (local $y v128) (local $w f32)
    (local $pdt i32) (local $px i32) (local $pb i32) (local $pc i32)
    (local.set $states (i32.shl (local.get $states) (i32.const 2)))
    (block $done (loop $channel
      (br_if $done (i32.eqz (local.get $channels)))
      (local.set $pdt (local.get $dty))
      (local.set $px (local.get $x))
      (local.set $pb (local.get $b))
      (local.set $pc (local.get $c))
      (local.set $t (local.get $count))
      (loop $token
        (local.set $w (f32.load (local.get $px)))
        (local.set $dt (v128.load32_splat (local.get $pdt)))
        (local.set $dtx (f32x4.mul (local.get $dt) (f32x4.splat (local.get $w))))
        (local.set $y (v128.const i32x4 0 0 0 0))
        (local.set $i (i32.const 0))
        (loop $next
          (local.set $at (i32.add (local.get $h) (local.get $i)))
          (local.set $v (call $exp (f32x4.mul (local.get $dt) (v128.load (i32.add (local.get $a) (local.get $i))))))
          (local.set $v (f32x4.relaxed_madd (local.get $v) (v128.load (local.get $at))
            (f32x4.mul (local.get $dtx) (v128.load (i32.add (local.get $pb) (local.get $i))))))
          (v128.store (local.get $at) (local.get $v))
          (local.set $y (f32x4.relaxed_madd (local.get $v) (v128.load (i32.add (local.get $pc) (local.get $i))) (local.get $y)))
          (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (local.get $states))))
        (f32.store (local.get $pdt) (f32.add (call $sum (local.get $y)) (f32.mul (local.get $w) (f32.load (local.get $d)))))
        (local.set $pdt (i32.add (local.get $pdt) (local.get $row)))
        (local.set $px (i32.add (local.get $px) (local.get $row)))
        (local.set $pb (i32.add (local.get $pb) (local.get $bcstride)))
        (local.set $pc (i32.add (local.get $pc) (local.get $bcstride)))
        (br_if $token (local.tee $t (i32.sub (local.get $t) (i32.const 1)))))
      (local.set $dty (i32.add (local.get $dty) (i32.const 4)))
      (local.set $x (i32.add (local.get $x) (i32.const 4)))
      (local.set $a (i32.add (local.get $a) (local.get $states)))
      (local.set $h (i32.add (local.get $h) (local.get $states)))
      (local.set $d (i32.add (local.get $d) (i32.const 4)))
      (local.set $channels (i32.sub (local.get $channels) (i32.const 1)))
      (br $channel))))

  ;; Mamba-2's recurrence for $count tokens of $channels channels of a head, $states
  ;; states each (a multiple of 4): h = decay h + dt x B, y = C . h + D x. $x, $b and
  ;; $c are the first token's, those of the next follow at $stride; $steps holds decay
  ;; and dt of each token; $y takes a token's channels at multiples of $ystride.
  (func $ssd (param $x i32) (param $b i32) (param $c i32) (param $stride i32) (param $steps i32) (param $d f32) (param $h i32)
      (param $y i32) (param $ystride i32) (param $channels i32) (param $states i32) (param $count i32)
    (local $t i32) (local $i i32) (local $at i32) (local $decay v128) (local $dtx v128) (local $v v128) (local $sum v128) (local $w f32)
    (local $px i32) (local $pb i32) (local $pc i32) (local $ps i32) (local $py i32)
    (local.set $states (i32.shl (local.get $states) (i32.const 2)))
    (block $done (loop $channel
      (br_if $done (i32.eqz (local.get $channels)))
      (local.set $px (local.get $x))
      (local.set $pb (local.get $b))
      (local.set $pc (local.get $c))
      (local.set $ps (local.get $steps))
      (local.set $py (local.get $y))
      (local.set $t (local.get $count))
      (loop $token
        (local.set $w (f32.load (local.get $px)))
        (local.set $decay (v128.load32_splat (local.get $ps)))
        (local.set $dtx (f32x4.splat (f32.mul (local.get $w) (f32.load offset=4 (local.get $ps)))))
        (local.set $sum (v128.const i32x4 0 0 0 0))
        (local.set $i (i32.const 0))
        (loop $next
          (local.set $at (i32.add (local.get $h) (local.get $i)))
          (local.set $v (f32x4.relaxed_madd (local.get $decay) (v128.load (local.get $at))
            (f32x4.mul (local.get $dtx) (v128.load (i32.add (local.get $pb) (local.get $i))))))
          (v128.store (local.get $at) (local.get $v))
          (local.set $sum (f32x4.relaxed_madd (local.get $v) (v128.load (i32.add (local.get $pc) (local.get $i))) (local.get $sum)))
          (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (local.get $states))))
        (f32.store (local.get $py) (f32.add (call $sum (local.get $sum)) (f32.mul (local.get $w) (local.get $d))))
        (local.set $px (i32.add (local.get $px) (local.get $stride)))
        (local.set $pb (i32.add (local.get $pb) (local.get $stride)))
        (local.set $pc (i32.add (local.get $pc) (local.get $stride)))
        (local.set $ps (i32.add (local.get $ps) (i32.const 8)))
        (local.set $py (i32.add (local.get $py) (local.get $ystride)))
        (br_if $token (local.tee $t (i32.sub (local.get $t) (i32.const 1)))))
      (local.set $x (i32.add (local.get $x) (i32.const 4)))
      (local.set $y (i32.add (local.get $y) (i32.const 4)))
      (local.set $h (i32.add (local.get $h) (local.get $states)))
      (local.set $channels (i32.sub (local.get $channels) (i32.const 1)))
      (br $channel))))

  ;; ---- what threads share ----

  ;; A job is a structure of package cpu: up to ten addresses in 8 bytes each, then
  ;; numbers in 4 bytes, from 80 on; job.go names them. Each of these computes the
  ;; parts from $from to $to, of as many as there are; $thread tells which scratch is
  ;; its own. What a part becomes does not depend on where others begin or end.

  ;; The scratch of a thread: the job's address 9 and number 0, its size in bytes.
  (func $scratch (param $job i32) (param $thread i32) (result i32)
    (i32.add (i32.load offset=72 (local.get $job)) (i32.mul (local.get $thread) (i32.load offset=80 (local.get $job)))))

  ;; Rows of quantized weights, 32 between two looks at the scales, times tokens in
  ;; fixed point, as matvec_q4 has them. $from is a multiple of 2.
  (func (export "few") (param $job i32) (param $from i32) (param $to i32) (param $thread i32)
    (local $scales i32) (local $biases i32) (local $groups i32) (local $in i32) (local $rows i32) (local $n i32) (local $t i32)
    (local $w i32) (local $planes i32) (local $units i32) (local $y i32)
    (local.set $scales (call $scratch (local.get $job) (local.get $thread)))
    (local.set $in (i32.load offset=88 (local.get $job)))
    (local.set $groups (i32.div_u (local.get $in) (i32.load offset=92 (local.get $job))))
    (block $done (loop $block
      (br_if $done (i32.ge_u (local.get $from) (local.get $to)))
      (local.set $rows (select (i32.const 32) (i32.sub (local.get $to) (local.get $from))
        (i32.gt_u (i32.sub (local.get $to) (local.get $from)) (i32.const 32))))
      (local.set $n (i32.mul (local.get $rows) (local.get $groups)))
      (local.set $biases (i32.add (local.get $scales) (i32.shl (local.get $n) (i32.const 2))))
      (call $widen (i32.load offset=104 (local.get $job))
        (i32.add (i32.load offset=8 (local.get $job)) (i32.shl (i32.mul (local.get $from) (local.get $groups)) (i32.const 1)))
        (local.get $scales) (local.get $n))
      (call $widen (i32.load offset=104 (local.get $job))
        (i32.add (i32.load offset=16 (local.get $job)) (i32.shl (i32.mul (local.get $from) (local.get $groups)) (i32.const 1)))
        (local.get $biases) (local.get $n))
      (local.set $w (i32.add (i32.load (local.get $job)) (i32.mul (local.get $from) (i32.load offset=112 (local.get $job)))))
      (local.set $planes (i32.load offset=24 (local.get $job)))
      (local.set $units (i32.load offset=32 (local.get $job)))
      (local.set $y (i32.add (i32.load offset=40 (local.get $job)) (i32.shl (local.get $from) (i32.const 2))))
      (local.set $t (i32.load offset=100 (local.get $job)))
      (loop $token
        (if (i32.eq (i32.load offset=84 (local.get $job)) (i32.const 4))
          (then (call $matvec_q4 (local.get $w) (local.get $scales) (local.get $biases) (local.get $planes) (local.get $units) (local.get $y)
            (local.get $rows) (local.get $in) (i32.load offset=92 (local.get $job)) (i32.load offset=108 (local.get $job))))
          (else (call $matvec_q8 (local.get $w) (local.get $scales) (local.get $biases) (local.get $planes) (local.get $units) (local.get $y)
            (local.get $rows) (local.get $in) (i32.load offset=92 (local.get $job)) (i32.load offset=108 (local.get $job)))))
        (local.set $planes (i32.add (local.get $planes) (i32.shl (local.get $in) (i32.const 2))))
        (local.set $units (i32.add (local.get $units) (i32.shl (local.get $groups) (i32.const 3))))
        (local.set $y (i32.add (local.get $y) (i32.shl (i32.load offset=96 (local.get $job)) (i32.const 2))))
        (br_if $token (local.tee $t (i32.sub (local.get $t) (i32.const 1)))))
      (local.set $from (i32.add (local.get $from) (local.get $rows)))
      (br $block))))

  ;; Row $r of a job's weights as fp32 at $to; $scales is scratch for two numbers a group.
  (func $expand (param $job i32) (param $r i32) (param $to i32) (param $scales i32)
    (local $w i32) (local $in i32) (local $groups i32) (local $biases i32) (local $bits i32)
    (local.set $w (i32.add (i32.load (local.get $job)) (i32.mul (local.get $r) (i32.load offset=112 (local.get $job)))))
    (local.set $in (i32.load offset=88 (local.get $job)))
    (local.set $bits (i32.load offset=84 (local.get $job)))
    (if (i32.eq (local.get $bits) (i32.const 32)) (then
      (memory.copy (local.get $to) (local.get $w) (i32.shl (local.get $in) (i32.const 2)))
      (return)))
    (if (i32.eq (local.get $bits) (i32.const 16)) (then
      (call $widen (i32.load offset=104 (local.get $job)) (local.get $w) (local.get $to) (local.get $in))
      (return)))
    (local.set $groups (i32.div_u (local.get $in) (i32.load offset=92 (local.get $job))))
    (local.set $biases (i32.add (local.get $scales) (i32.shl (local.get $groups) (i32.const 2))))
    (call $widen (i32.load offset=104 (local.get $job))
      (i32.add (i32.load offset=8 (local.get $job)) (i32.shl (i32.mul (local.get $r) (local.get $groups)) (i32.const 1)))
      (local.get $scales) (local.get $groups))
    (call $widen (i32.load offset=104 (local.get $job))
      (i32.add (i32.load offset=16 (local.get $job)) (i32.shl (i32.mul (local.get $r) (local.get $groups)) (i32.const 1)))
      (local.get $biases) (local.get $groups))
    (if (i32.eq (local.get $bits) (i32.const 4))
      (then (call $expand_q4 (local.get $w) (local.get $scales) (local.get $biases) (local.get $to) (local.get $in) (i32.load offset=92 (local.get $job))))
      (else (call $expand_q8 (local.get $w) (local.get $scales) (local.get $biases) (local.get $to) (local.get $in) (i32.load offset=92 (local.get $job))))))

  ;; Rows of weights of any kind, four of which become fp32 at once, times tokens in
  ;; fp32. $from is a multiple of 4.
  (func (export "many") (param $job i32) (param $from i32) (param $to i32) (param $thread i32)
    (local $four i32) (local $stride i32) (local $in i32) (local $whole i32) (local $rows i32) (local $i i32) (local $k i32) (local $t i32)
    (local $x i32) (local $y i32) (local $v f32)
    (local.set $four (call $scratch (local.get $job) (local.get $thread)))
    (local.set $in (i32.load offset=88 (local.get $job)))
    (local.set $stride (i32.shl (i32.and (i32.add (local.get $in) (i32.const 3)) (i32.const -4)) (i32.const 2)))
    (local.set $whole (i32.and (local.get $in) (i32.const -4)))
    (block $done (loop $block
      (br_if $done (i32.ge_u (local.get $from) (local.get $to)))
      (local.set $rows (select (i32.const 4) (i32.sub (local.get $to) (local.get $from))
        (i32.gt_u (i32.sub (local.get $to) (local.get $from)) (i32.const 4))))
      (local.set $i (i32.const 0))
      (loop $row
        (call $expand (local.get $job) (i32.add (local.get $from) (local.get $i))
          (i32.add (local.get $four) (i32.mul (local.get $i) (local.get $stride)))
          (i32.add (local.get $four) (i32.shl (local.get $stride) (i32.const 2))))
        (br_if $row (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $rows))))
      (call $matmul (local.get $four) (local.get $stride) (i32.load offset=24 (local.get $job)) (i32.load offset=116 (local.get $job))
        (i32.add (i32.load offset=40 (local.get $job)) (i32.shl (local.get $from) (i32.const 2)))
        (i32.shl (i32.load offset=96 (local.get $job)) (i32.const 2))
        (local.get $rows) (i32.load offset=100 (local.get $job)) (local.get $whole) (i32.load offset=108 (local.get $job)))
      ;; Up to three columns are left.
      (local.set $k (local.get $whole))
      (block $summed (loop $column
        (br_if $summed (i32.ge_u (local.get $k) (local.get $in)))
        (local.set $i (i32.const 0))
        (loop $row
          (local.set $v (f32.load (i32.add
            (i32.add (local.get $four) (i32.mul (local.get $i) (local.get $stride))) (i32.shl (local.get $k) (i32.const 2)))))
          (local.set $x (i32.add (i32.load offset=24 (local.get $job)) (i32.shl (local.get $k) (i32.const 2))))
          (local.set $y (i32.add (i32.load offset=40 (local.get $job)) (i32.shl (i32.add (local.get $from) (local.get $i)) (i32.const 2))))
          (local.set $t (i32.load offset=100 (local.get $job)))
          (loop $token
            (f32.store (local.get $y) (f32.add (f32.load (local.get $y)) (f32.mul (local.get $v) (f32.load (local.get $x)))))
            (local.set $x (i32.add (local.get $x) (i32.load offset=116 (local.get $job))))
            (local.set $y (i32.add (local.get $y) (i32.shl (i32.load offset=96 (local.get $job)) (i32.const 2))))
            (br_if $token (local.tee $t (i32.sub (local.get $t) (i32.const 1)))))
          (br_if $row (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $rows))))
        (local.set $k (i32.add (local.get $k) (i32.const 1)))
        (br $column)))
      (local.set $from (i32.add (local.get $from) (local.get $rows)))
      (br $block))))

  ;; Heads of tokens, token after token, each of which looks back on its window's keys
  ;; and values, or on all. Of a differential pair both look at values of twice the
  ;; width. The ring holds them in one piece, or in two.
  (func (export "attend") (param $job i32) (param $from i32) (param $to i32) (param $thread i32)
    (local $scores i32) (local $size i32) (local $width i32) (local $row i32) (local $heads i32) (local $t i32) (local $h i32) (local $q i32)
    (local $keys i32) (local $values i32) (local $out i32) (local $key i32) (local $value i32) (local $pos i32) (local $first i32)
    (local $n i32) (local $begin i32) (local $whole i32) (local $i i32)
    (local.set $scores (call $scratch (local.get $job) (local.get $thread)))
    (local.set $heads (i32.load offset=84 (local.get $job)))
    (local.set $size (i32.shl (i32.load offset=92 (local.get $job)) (i32.const 2)))                    ;; bytes of a head
    (local.set $row (i32.mul (local.get $size) (i32.load offset=100 (local.get $job))))               ;; bytes of a position
    (local.set $width (i32.shl (local.get $size) (i32.load offset=124 (local.get $job))))             ;; bytes of a value
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $from) (local.get $to)))
      (local.set $t (i32.div_u (local.get $from) (local.get $heads)))
      (local.set $h (i32.rem_u (local.get $from) (local.get $heads)))
      (local.set $q (i32.add (i32.load (local.get $job))
        (i32.mul (i32.add (i32.mul (local.get $t) (i32.load offset=88 (local.get $job))) (local.get $h)) (local.get $size))))
      (if (i32.load offset=124 (local.get $job))
        (then
          (local.set $value (i32.shl (i32.div_u (i32.shr_u (local.get $h) (i32.const 1)) (i32.load offset=96 (local.get $job))) (i32.const 1)))
          (local.set $key (i32.add (local.get $value) (i32.and (local.get $h) (i32.const 1)))))
        (else
          (local.set $value (i32.div_u (local.get $h) (i32.load offset=96 (local.get $job))))
          (local.set $key (local.get $value))))
      (local.set $keys (i32.add (i32.load offset=8 (local.get $job)) (i32.mul (local.get $key) (local.get $size))))
      (local.set $values (i32.add (i32.load offset=16 (local.get $job)) (i32.mul (local.get $value) (local.get $size))))
      (local.set $out (i32.add (i32.load offset=24 (local.get $job)) (i32.mul (local.get $from) (local.get $width))))

      (local.set $pos (i32.add (i32.load offset=112 (local.get $job)) (local.get $t)))
      (local.set $first (i32.sub (i32.add (local.get $pos) (i32.const 1)) (i32.load offset=108 (local.get $job))))
      (if (i32.or (i32.eqz (i32.load offset=108 (local.get $job))) (i32.lt_s (local.get $first) (i32.const 0)))
        (then (local.set $first (i32.const 0))))
      (local.set $n (i32.sub (i32.add (local.get $pos) (i32.const 1)) (local.get $first)))
      (local.set $begin (i32.rem_u (local.get $first) (i32.load offset=104 (local.get $job))))
      (local.set $whole (i32.sub (i32.load offset=104 (local.get $job)) (local.get $begin)))
      (if (i32.lt_u (local.get $n) (local.get $whole)) (then (local.set $whole (local.get $n))))
      (local.set $begin (i32.mul (local.get $begin) (local.get $row)))

      (call $dots (local.get $q) (i32.add (local.get $keys) (local.get $begin)) (local.get $row) (local.get $whole)
        (i32.load offset=92 (local.get $job)) (f32.load offset=116 (local.get $job)) (local.get $scores))
      (call $dots (local.get $q) (local.get $keys) (local.get $row) (i32.sub (local.get $n) (local.get $whole))
        (i32.load offset=92 (local.get $job)) (f32.load offset=116 (local.get $job))
        (i32.add (local.get $scores) (i32.shl (local.get $whole) (i32.const 2))))
      (local.set $i (local.get $n))
      (block $padded (loop $pad
        (br_if $padded (i32.eqz (i32.and (local.get $i) (i32.const 3))))
        (f32.store (i32.add (local.get $scores) (i32.shl (local.get $i) (i32.const 2))) (f32.const -inf))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $pad)))
      (call $softmax (local.get $scores) (local.get $i))
      (memory.fill (local.get $out) (i32.const 0) (local.get $width))
      (call $mix (local.get $scores) (i32.add (local.get $values) (local.get $begin)) (local.get $row) (local.get $whole)
        (i32.shr_u (local.get $width) (i32.const 2)) (local.get $out))
      (call $mix (i32.add (local.get $scores) (i32.shl (local.get $whole) (i32.const 2))) (local.get $values) (local.get $row)
        (i32.sub (local.get $n) (local.get $whole)) (i32.shr_u (local.get $width) (i32.const 2)) (local.get $out))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (br $next))))

  ;; Channels of Mamba's scan, dt's softplus before it and the gate behind it. $from
  ;; and $to are multiples of 4.
  (func (export "channels") (param $job i32) (param $from i32) (param $to i32) (param $thread i32)
    (local $n i32) (local $row i32) (local $states i32) (local $at i32) (local $y i32) (local $z i32) (local $t i32)
    (local.set $n (i32.sub (local.get $to) (local.get $from)))
    (local.set $row (i32.shl (i32.load offset=84 (local.get $job)) (i32.const 2)))
    (local.set $states (i32.shl (i32.load offset=88 (local.get $job)) (i32.const 2)))
    (local.set $at (i32.shl (local.get $from) (i32.const 2)))
    (local.set $y (i32.add (i32.load (local.get $job)) (local.get $at)))
    (local.set $t (i32.load offset=92 (local.get $job)))
    (loop $token
      (call $softplus (local.get $y) (i32.add (i32.load offset=56 (local.get $job)) (local.get $at)) (local.get $n))
      (local.set $y (i32.add (local.get $y) (local.get $row)))
      (br_if $token (local.tee $t (i32.sub (local.get $t) (i32.const 1)))))
    (call $scan (i32.add (i32.load (local.get $job)) (local.get $at)) (i32.add (i32.load offset=8 (local.get $job)) (local.get $at))
      (i32.load offset=16 (local.get $job)) (i32.load offset=24 (local.get $job)) (i32.load offset=96 (local.get $job))
      (i32.add (i32.load offset=32 (local.get $job)) (i32.mul (local.get $from) (local.get $states)))
      (i32.add (i32.load offset=40 (local.get $job)) (local.get $at))
      (i32.add (i32.load offset=48 (local.get $job)) (i32.mul (local.get $from) (local.get $states)))
      (local.get $row) (local.get $n) (i32.load offset=88 (local.get $job)) (i32.load offset=92 (local.get $job)))
    (br_if 0 (i32.eqz (i32.load offset=64 (local.get $job))))
    (local.set $y (i32.add (i32.load (local.get $job)) (local.get $at)))
    (local.set $z (i32.add (i32.load offset=64 (local.get $job)) (local.get $at)))
    (local.set $t (i32.load offset=92 (local.get $job)))
    (loop $token
      (call $silu_mul (local.get $z) (local.get $y) (local.get $y) (local.get $n))
      (local.set $y (i32.add (local.get $y) (local.get $row)))
      (local.set $z (i32.add (local.get $z) (i32.shl (local.get $row) (i32.const 1))))
      (br_if $token (local.tee $t (i32.sub (local.get $t) (i32.const 1))))))

  ;; Heads of Mamba-2's scan.
  (func (export "heads") (param $job i32) (param $from i32) (param $to i32) (param $thread i32)
    (local $c i32) (local $b i32) (local $states i32) (local $count i32)
    (local.set $states (i32.load offset=88 (local.get $job)))
    (local.set $count (i32.load offset=92 (local.get $job)))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $from) (local.get $to)))
      (local.set $c (i32.shl (i32.mul (local.get $from) (i32.load offset=84 (local.get $job))) (i32.const 2)))
      (local.set $b (i32.add (i32.load offset=8 (local.get $job))
        (i32.shl (i32.mul (i32.div_u (local.get $from) (i32.load offset=104 (local.get $job))) (local.get $states)) (i32.const 2))))
      (call $ssd (i32.add (i32.load (local.get $job)) (local.get $c)) (local.get $b)
        (i32.add (local.get $b) (i32.load offset=108 (local.get $job))) (i32.load offset=96 (local.get $job))
        (i32.add (i32.load offset=16 (local.get $job)) (i32.shl (i32.mul (local.get $from) (local.get $count)) (i32.const 3)))
        (f32.load (i32.add (i32.load offset=24 (local.get $job)) (i32.shl (local.get $from) (i32.const 2))))
        (i32.add (i32.load offset=32 (local.get $job)) (i32.mul (local.get $c) (local.get $states)))
        (i32.add (i32.load offset=40 (local.get $job)) (local.get $c)) (i32.load offset=100 (local.get $job))
        (i32.load offset=84 (local.get $job)) (local.get $states) (local.get $count))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (br $next))))

  ;; ---- weights into groups of codes, as model/quant packs them, to the bit ----

  ;; 2^e of each of two numbers, at least fp16's least normal one.
  (func $power (param $v v128) (result v128)
    (f64x2.max (v128.and (local.get $v) (v128.const i64x2 0x7ff0000000000000 0x7ff0000000000000)) (v128.const f64x2 0x1p-14 0x1p-14)))

  ;; The fp16 next to each of two numbers, which are made fp32 first; ties to even. Beyond fp16 it is above 65504, or NaN.
  (func $half (param $v v128) (result v128)
    (local $m v128)
    (local.set $v (f64x2.promote_low_f32x4 (f32x4.demote_f64x2_zero (local.get $v))))
    ;; At 1.5 * 2^(e + 42) fp64 is as coarse as fp16 is at 2^e.
    (local.set $m (f64x2.mul (call $power (local.get $v)) (v128.const f64x2 0x1.8p42 0x1.8p42)))
    (v128.or
      (f64x2.sub (f64x2.add (local.get $v) (local.get $m)) (local.get $m))
      (v128.and (local.get $v) (v128.const i64x2 0x8000000000000000 0x8000000000000000)))) ;; of a zero, too

  ;; Stores the fp16 that a number is.
  (func $store_half (param $to i32) (param $v f64)
    (local $bits i64)
    (local.set $bits (i64.reinterpret_f64 (local.get $v)))
    (i32.store16 (local.get $to) (i32.or
      (i32.wrap_i64 (i64.and (i64.shr_u (local.get $bits) (i64.const 48)) (i64.const 0x8000)))
      (if (result i32) (f64.lt (f64.abs (local.get $v)) (f64.const 0x1p-14))
        (then (i32.trunc_sat_f64_u (f64.mul (f64.abs (local.get $v)) (f64.const 0x1p24))))
        (else (i32.sub
          (i32.wrap_i64 (i64.and (i64.shr_u (local.get $bits) (i64.const 42)) (i64.const 0x1fffff)))
          (i32.const 0xfc000))))))) ;; the exponents' biases, 1023 and 15, differ by 1008

  ;; Packs groups of $group weights, fp32 one after another, in $bits each; see quant.Quantize. $cuts are the $count parts
  ;; of the range that are tried, fp64; $pairs has room for two groups as fp64. 1: a weight is not finite or beyond fp16.
  ;; Two groups are fitted side by side, one in each half of a vector, so that sums are taken in the order in which Go
  ;; takes them. The last of an odd number is fitted in both.
  (func (export "quantize") (param $w i32) (param $groups i32) (param $group i32) (param $bits i32)
    (param $cuts i32) (param $count i32) (param $refits i32) (param $pairs i32)
    (param $q i32) (param $scales i32) (param $biases i32) (result i32)
    (local $bytes i32) (local $words i32) (local $two i32) (local $end i32) (local $at i32) (local $turn i32) (local $shift i32) (local $to i32)
    (local $levels v128) (local $n v128) (local $lo v128) (local $hi v128) (local $sw v128) (local $most v128) (local $v v128)
    (local $equal v128) (local $middle v128) (local $reach v128) (local $part v128) (local $active v128) (local $better v128)
    (local $s v128) (local $b v128) (local $inverse v128) (local $code v128) (local $d v128) (local $word v128) (local $constant v128)
    (local $sum v128) (local $sq v128) (local $sqq v128) (local $sqw v128)
    (local $scale v128) (local $bias v128) (local $least v128) (local $least_q v128) (local $least_qq v128) (local $least_qw v128)
    (local.set $bytes (i32.shl (local.get $group) (i32.const 2)))
    (local.set $words (i32.shr_u (i32.mul (local.get $group) (local.get $bits)) (i32.const 3))) ;; in bytes
    (local.set $levels (f64x2.splat (f64.convert_i32_u (i32.sub (i32.shl (i32.const 1) (local.get $bits)) (i32.const 1)))))
    (local.set $n (f64x2.splat (f64.convert_i32_u (local.get $group))))
    (local.set $end (i32.add (local.get $pairs) (i32.shl (local.get $group) (i32.const 4))))
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $groups)))
      (local.set $two (i32.gt_u (local.get $groups) (i32.const 1)))

      ;; Their values side by side, the range, and the sum
      (local.set $at (local.get $pairs))
      (local.set $lo (v128.const f64x2 inf inf))
      (local.set $hi (v128.const f64x2 -inf -inf))
      (local.set $sw (v128.const i64x2 0 0))
      (local.set $most (v128.const i64x2 0 0))
      (loop $value
        (local.set $v (f64x2.promote_low_f32x4 (v128.load32_lane 1
          (i32.add (local.get $w) (i32.mul (local.get $bytes) (local.get $two)))
          (v128.load32_zero (local.get $w)))))
        (v128.store (local.get $at) (local.get $v))
        (local.set $lo (f64x2.min (local.get $lo) (local.get $v)))
        (local.set $hi (f64x2.max (local.get $hi) (local.get $v)))
        (local.set $most (f64x2.max (local.get $most) (f64x2.abs (local.get $v))))
        (local.set $sw (f64x2.add (local.get $sw) (local.get $v)))
        (local.set $w (i32.add (local.get $w) (i32.const 4)))
        (br_if $value (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
      (if (i32.eqz (i64x2.all_true (f64x2.le (local.get $most) (v128.const f64x2 65504 65504))))
        (then (return (i32.const 1))))

      (local.set $equal (f64x2.eq (local.get $lo) (local.get $hi)))
      (local.set $middle (f64x2.div (f64x2.add (local.get $lo) (local.get $hi)) (v128.const f64x2 2 2)))
      (local.set $reach (f64x2.div (f64x2.sub (local.get $hi) (local.get $lo)) (v128.const f64x2 2 2)))
      (local.set $least (v128.const f64x2 inf inf))
      (local.set $active (v128.const i64x2 -1 -1))
      (local.set $turn (i32.const 0))
      (block $fitted (loop $try
        (if (i32.eqz (local.get $turn))
          (then
            ;; The range that certainly covers every weight: bias rounded down, scale rounded up
            (local.set $d (f64x2.mul (call $power (local.get $lo)) (v128.const f64x2 0x1p-10 0x1p-10)))
            (local.set $b (f64x2.mul (f64x2.floor (f64x2.div (local.get $lo) (local.get $d))) (local.get $d)))
            (local.set $s (f64x2.div (f64x2.sub (local.get $hi) (local.get $b)) (local.get $levels)))
            (local.set $d (f64x2.mul (call $power (local.get $s)) (v128.const f64x2 0x1p-10 0x1p-10)))
            (local.set $s (f64x2.mul (f64x2.ceil (f64x2.div (local.get $s) (local.get $d))) (local.get $d))))
          (else (if (i32.le_u (local.get $turn) (local.get $count))
            (then
              (local.set $part (f64x2.mul (local.get $reach)
                (v128.load64_splat (i32.add (local.get $cuts) (i32.shl (i32.sub (local.get $turn) (i32.const 1)) (i32.const 3))))))
              (local.set $s (call $half (f64x2.div (f64x2.add (local.get $part) (local.get $part)) (local.get $levels))))
              (local.set $b (call $half (f64x2.sub (local.get $middle) (local.get $part)))))
            (else
              ;; What fits the best codes best, by least squares
              (local.set $d (f64x2.sub (f64x2.mul (local.get $n) (local.get $least_qq)) (f64x2.mul (local.get $least_q) (local.get $least_q))))
              (local.set $active (v128.and (local.get $active) (f64x2.gt (local.get $d) (v128.const f64x2 0 0))))
              (local.set $s (call $half (f64x2.div
                (f64x2.sub (f64x2.mul (local.get $n) (local.get $least_qw)) (f64x2.mul (local.get $least_q) (local.get $sw)))
                (local.get $d))))
              (local.set $b (call $half (f64x2.div (f64x2.sub (local.get $sw) (f64x2.mul (local.get $s) (local.get $least_q))) (local.get $n))))))))
        (local.set $inverse (f64x2.div (v128.const f64x2 1 1) (local.get $s)))
        (local.set $sum (v128.const i64x2 0 0))
        (local.set $sq (v128.const i64x2 0 0))
        (local.set $sqq (v128.const i64x2 0 0))
        (local.set $sqw (v128.const i64x2 0 0))
        (local.set $at (local.get $pairs))
        (loop $value
          (local.set $v (v128.load (local.get $at)))
          (local.set $code (f64x2.floor (f64x2.add
            (f64x2.pmin (local.get $levels) (f64x2.pmax (v128.const f64x2 0 0)
              (f64x2.mul (f64x2.sub (local.get $v) (local.get $b)) (local.get $inverse))))
            (v128.const f64x2 0.5 0.5))))
          (local.set $d (f64x2.sub (f64x2.add (f64x2.mul (local.get $s) (local.get $code)) (local.get $b)) (local.get $v)))
          (local.set $sum (f64x2.add (local.get $sum) (f64x2.mul (local.get $d) (local.get $d))))
          (local.set $sq (f64x2.add (local.get $sq) (local.get $code)))
          (local.set $sqq (f64x2.add (local.get $sqq) (f64x2.mul (local.get $code) (local.get $code))))
          (local.set $sqw (f64x2.add (local.get $sqw) (f64x2.mul (local.get $code) (local.get $v))))
          (br_if $value (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
        (local.set $better (v128.and
          (v128.and (f64x2.lt (local.get $sum) (local.get $least)) (f64x2.gt (local.get $s) (v128.const f64x2 0 0)))
          (v128.and
            (v128.and (f64x2.le (local.get $s) (v128.const f64x2 65504 65504)) (f64x2.le (f64x2.abs (local.get $b)) (v128.const f64x2 65504 65504)))
            (local.get $active))))
        (local.set $least (v128.bitselect (local.get $sum) (local.get $least) (local.get $better)))
        (local.set $scale (v128.bitselect (local.get $s) (local.get $scale) (local.get $better)))
        (local.set $bias (v128.bitselect (local.get $b) (local.get $bias) (local.get $better)))
        (local.set $least_q (v128.bitselect (local.get $sq) (local.get $least_q) (local.get $better)))
        (local.set $least_qq (v128.bitselect (local.get $sqq) (local.get $least_qq) (local.get $better)))
        (local.set $least_qw (v128.bitselect (local.get $sqw) (local.get $least_qw) (local.get $better)))
        (if (i32.gt_u (local.get $turn) (local.get $count)) (then (local.set $active (local.get $better))))
        (br_if $fitted (i32.eqz (v128.any_true (local.get $active))))
        (local.set $turn (i32.add (local.get $turn) (i32.const 1)))
        (br_if $try (i32.le_u (local.get $turn) (i32.add (local.get $count) (local.get $refits))))))

      ;; Of a group whose values are all equal the bias holds the value, one step of the scale what the bias missed.
      (local.set $b (call $half (local.get $lo)))
      (local.set $s (call $half (f64x2.sub (local.get $lo) (local.get $b))))
      (local.set $constant (v128.and (f64x2.ne (local.get $s) (v128.const f64x2 0 0)) (v128.const f64x2 1 1)))
      (local.set $scale (v128.bitselect (local.get $s) (local.get $scale) (local.get $equal)))
      (local.set $bias (v128.bitselect (local.get $b) (local.get $bias) (local.get $equal)))
      (local.set $inverse (f64x2.div (v128.const f64x2 1 1) (local.get $scale)))
      (call $store_half (local.get $scales) (f64x2.extract_lane 0 (local.get $scale)))
      (call $store_half (local.get $biases) (f64x2.extract_lane 0 (local.get $bias)))
      (call $store_half (i32.add (local.get $scales) (i32.shl (local.get $two) (i32.const 1))) (f64x2.extract_lane 1 (local.get $scale)))
      (call $store_half (i32.add (local.get $biases) (i32.shl (local.get $two) (i32.const 1))) (f64x2.extract_lane 1 (local.get $bias)))
      (local.set $at (local.get $pairs))
      (local.set $to (local.get $q))
      (loop $words
        (local.set $word (v128.const i64x2 0 0))
        (local.set $shift (i32.const 0))
        (loop $value
          (local.set $code (v128.bitselect (local.get $constant)
            (f64x2.floor (f64x2.add
              (f64x2.pmin (local.get $levels) (f64x2.pmax (v128.const f64x2 0 0)
                (f64x2.mul (f64x2.sub (v128.load (local.get $at)) (local.get $bias)) (local.get $inverse))))
              (v128.const f64x2 0.5 0.5)))
            (local.get $equal)))
          (local.set $word (v128.or (local.get $word) (i32x4.shl (i32x4.trunc_sat_f64x2_u_zero (local.get $code)) (local.get $shift))))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br_if $value (i32.lt_u (local.tee $shift (i32.add (local.get $shift) (local.get $bits))) (i32.const 32))))
        (v128.store32_lane 0 (local.get $to) (local.get $word))
        (v128.store32_lane 1 (i32.add (local.get $to) (i32.mul (local.get $words) (local.get $two))) (local.get $word))
        (local.set $to (i32.add (local.get $to) (i32.const 4)))
        (br_if $words (i32.lt_u (local.get $at) (local.get $end))))

      (local.set $two (i32.add (local.get $two) (i32.const 1)))
      (local.set $w (i32.add (local.get $w) (i32.mul (local.get $bytes) (i32.sub (local.get $two) (i32.const 1)))))
      (local.set $q (i32.add (local.get $q) (i32.mul (local.get $words) (local.get $two))))
      (local.set $scales (i32.add (local.get $scales) (i32.shl (local.get $two) (i32.const 1))))
      (local.set $biases (i32.add (local.get $biases) (i32.shl (local.get $two) (i32.const 1))))
      (local.set $groups (i32.sub (local.get $groups) (local.get $two)))
      (br $next)))
    (i32.const 0))
)
