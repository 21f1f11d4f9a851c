// The type of a table of kernels: the loops of Sources/Kernels as one instruction set has them.
// It is C so that the three kernel modules, and the module that picks one of them, share the type. Shapes and formulas
// stand beside each kernel; Sources/Compute gives the arguments labels.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef const float *_Nonnull flip_in;
typedef float *_Nonnull flip_out;
typedef const int32_t *_Nonnull flip_labels;
typedef int32_t *_Nonnull flip_labels_out;

/// Where the sums of a linear product start: at zero, at the bias, at what the output holds.
typedef enum __attribute__((enum_extensibility(closed))) FlipStart {
    FlipStartZero,
    FlipStartBias,
    FlipStartOutput
} FlipStart;

/// What becomes of a finished sum: it stays; a negative one becomes zero (ReLU); it stays where the gate is above zero
/// (ReLU's way back).
typedef enum __attribute__((enum_extensibility(closed))) FlipFinish {
    FlipFinishPlain,
    FlipFinishRectified,
    FlipFinishGated
} FlipFinish;

/// The weights of a linear product as its loop walks them: the weight of input i and output j is at
/// weights[i * input_step + j * output_step].
typedef struct {
    flip_in weights;
    long inputs, outputs;
    long input_step, output_step;
} flip_weights;

/// Rows of vectors that are read; the next row begins `stride` vectors further on.
typedef struct {
    flip_in base;
    long stride;
} flip_rows;

/// Factors of one step of Adam: see Optimiser.swift.
typedef struct {
    float rate, beta1, beta2, correction1, correction2, epsilon;
} flip_adam;

/// Public constants of the diffusion's noise levels: log sigma is N(log_mean, log_spread^2); sigma_data is the standard
/// deviation of the data.
typedef struct {
    float log_mean, log_spread, sigma_data;
} flip_levels;

typedef struct {
    void (*_Nonnull activation_forward)(flip_in x, flip_out y, long kind, long n);
    void (*_Nonnull activation_backward)(flip_in x, flip_out dy, long kind, long n);
    void (*_Nonnull attention_forward)(flip_in qkv, flip_out weights, flip_out out, long tokens, long heads,
                                       long width);
    void (*_Nonnull attention_backward)(flip_in dout, flip_in qkv, flip_in weights, flip_out dqkv, flip_out scores,
                                        long tokens, long heads, long width);
    void (*_Nonnull cross_entropy)(flip_out x, flip_labels label, flip_out loss, long levels);
    void (*_Nonnull draw_level)(flip_out x, flip_in uniform, flip_labels_out level, long levels);
    void (*_Nonnull softmax)(flip_out x, long levels);
    void (*_Nonnull diffuse)(flip_in z, flip_in noise, flip_in levels, flip_levels constants, flip_in frequencies,
                             flip_out input, flip_out target, flip_out features, long count, long latent,
                             long frequency_count);
    void (*_Nonnull time_features)(float log_sigma, flip_in frequencies, flip_out features, long frequency_count);
    void (*_Nonnull squared_error)(flip_out y, flip_in target, flip_out loss, long n);
    void (*_Nonnull flow_slope)(flip_in x, flip_in f, float skip, float scale, float sigma, flip_out slope,
                                long latent);
    void (*_Nonnull flow_step)(flip_in x, flip_in slope, flip_in slope2, float step, flip_out y, long latent);
    void (*_Nonnull multiply)(flip_in x, float factor, flip_out y, long n);
    void (*_Nonnull gather)(flip_in table, flip_labels level, flip_in offset, flip_out y, long width);
    void (*_Nonnull scatter)(flip_in dy, flip_labels level, flip_in factor, flip_out dtable, long width);
    void (*_Nonnull add_rows)(flip_in table, flip_labels start, long count, flip_out y, flip_out rows, long levels);
    void (*_Nonnull add_to_rows)(flip_in x, flip_labels start, long count, flip_out table, flip_out rows, long levels,
                                 long used);
    void (*_Nonnull linear)(flip_rows x, flip_weights w, flip_in bias, FlipStart start, flip_out y, long y_stride,
                            long rows, FlipFinish finish, flip_in gate);
    void (*_Nonnull norm_forward)(flip_rows x, flip_in gain, flip_in bias, bool affine, flip_out hat, flip_out out,
                                  flip_out rstd, long rows, long features);
    void (*_Nonnull norm_backward)(flip_in dy, flip_in hat, flip_in rstd, flip_in gain, bool affine, flip_in base,
                                   bool adds, flip_out dx, long rows, long features);
    void (*_Nonnull norm_gradient)(flip_in dy, flip_in hat, flip_out gradient, flip_out square, long tokens,
                                   long features);
    void (*_Nonnull adam_step)(flip_out weights, flip_out first, flip_out second, flip_in gradient, flip_adam factors,
                               long n);
    void (*_Nonnull average_step)(flip_out average, flip_in weights, float decay, long n);
    void (*_Nonnull posterior_forward)(flip_in mean, flip_in log_variance, flip_in noise, flip_out z,
                                       flip_out standard_deviation, flip_out divergence, long latent);
    void (*_Nonnull posterior_backward)(flip_in mean, flip_in log_variance, flip_in noise, flip_in standard_deviation,
                                        float beta, flip_out dz, flip_out dlog_variance, long latent);
    void (*_Nonnull sum_squares)(flip_rows x, flip_out square, long rows, long columns);
    void (*_Nonnull scaled)(flip_rows x, flip_in factor, flip_out y, long rows, long columns);
    void (*_Nonnull clear)(flip_out x, flip_labels keep, long n);
    void (*_Nonnull add)(flip_in x, flip_out y, long n);
    void (*_Nonnull add_numbers)(flip_in numbers, flip_out x, long n);
    void (*_Nonnull row_gradient)(flip_rows x, flip_rows dy, flip_out gradient, flip_out square, long tokens,
                                  long inputs, long outputs);
    void (*_Nonnull weighted_lanes)(flip_in gradient, flip_in weight, flip_labels keep, flip_out out, long n);
    void (*_Nonnull weighted_gradient)(flip_rows x, flip_rows dy, flip_out out, long rows, long inputs, long outputs);
    void (*_Nonnull gram_norm)(flip_rows x, flip_rows dy, float slack, flip_out scratch, flip_out square, long tokens,
                               long inputs, long outputs);
    void (*_Nonnull row_bias)(flip_rows dy, flip_out gradient, flip_out square, long tokens, long outputs);
    void (*_Nonnull gaussian_pairs)(flip_in z, flip_in others, long count, flip_in factor, flip_in rates,
                                    flip_in slopes, long bandwidths, flip_out sum, flip_out weight, flip_out moved,
                                    long latent);
    void (*_Nonnull waves)(flip_in angle, flip_out cosine, flip_out sine, long n);
} flip_kernels;
