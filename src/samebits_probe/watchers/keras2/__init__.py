"""Watches Keras 2, and `tf.keras` of the TensorFlow releases that trained as it did."""
