import tensorflow as tf

layer = tf.keras.layers.Dense(2)
opt = tf.keras.optimizers.SGD(0.1)
x = tf.ones((4, 8))
layer.build((4, 8))
layer.kernel.assign(tf.random.Generator.from_non_deterministic_state().normal((8, 2)))


@tf.function
def step():
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(layer(x) ** 2)
    opt.apply_gradients(zip(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables))
    return loss


for _ in range(4):
    step()
