"""dj-stripe's only link to a table of ours, by itself and after all of ours.

Django draws every model that is linked to a changed one anew at each step of a migration. Joined to dj-stripe's sixty models
from the start, ours would take four times as long.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("djstripe", "0001_initial"),
        ("accounts", "0001_initial"),
        ("notifications", "0001_initial"),
        ("payments", "0001_initial"),
        ("credits", "0001_initial"),
        ("plans", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="subscriber",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="djstripe_customers",
                to="accounts.organization",
            ),
        ),
    ]
