"""The features in Django REST framework: views, serializers, throttles and middleware, as its tutorial has them."""
