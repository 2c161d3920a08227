"""Unbiased stereology: everything that follows a U-Net's prediction, as functions of numpy arrays.

A prediction becomes cells (`count.post_process`), a frame counts some of them (`count.counted`), and what is counted is
compared with the ground truth (`agreement`), image by image and over an animal. Needs the extra `samebits[study]`.
"""
