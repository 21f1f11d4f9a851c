// The kernels of one instruction set as one table: the only list of them, compiled once for each set.

import CProcessor

package var table: flip_kernels {
    flip_kernels(activation_forward: activationForward, activation_backward: activationBackward,
                 attention_forward: attentionForward, attention_backward: attentionBackward,
                 cross_entropy: crossEntropy, draw_level: drawLevel, softmax: softmax, diffuse: diffuse,
                 time_features: timeFeatures, squared_error: squaredError, flow_slope: flowSlope, flow_step: flowStep,
                 multiply: multiply, gather: gather, scatter: scatter, add_rows: addRows,
                 add_to_rows: addToRows, linear: linear, norm_forward: normForward,
                 norm_backward: normBackward, norm_gradient: normGradient, adam_step: adamStep,
                 average_step: averageStep, posterior_forward: posteriorForward, posterior_backward: posteriorBackward,
                 sum_squares: sumSquares, scaled: scaled, clear: clear, add: add, add_numbers: addNumbers,
                 row_gradient: rowGradient, weighted_lanes: weightedLanes, weighted_gradient: weightedGradient,
                 gram_norm: gramNorm, row_bias: rowBias, gaussian_pairs: gaussianPairs, waves: waves)
}
